import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { mountOptions } from '../../src/app/mounting.ts'

const guides = fileURLToPath(new URL('../../docs/guides', import.meta.url))

t.test('every mount in the guides has the options of "reelport doctor"', async t => {
  let seen = 0
  for (const name of readdirSync(guides)) {
    for (const [, written] of readFileSync(join(guides, name), 'utf8').matchAll(/\b(nfsvers=3(?:, ?[\w=]+)*)/g)) {
      const options = written!.split(/, ?/)
      const port = Number(/^port=(\d+)$/m.exec(options.join('\n'))?.[1])
      t.same(options.slice(0, 7), mountOptions(port), `${name}: ${written}`)
      seen++
    }
  }
  t.ok(seen >= 7, `${seen} mounts`)
})

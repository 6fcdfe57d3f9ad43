import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bundle, bundle } from './bundle.ts'

export interface Asset {
  /** It has a digest of the bytes in it: under one name there is never anything else. */
  readonly name: string
  readonly type: string
  readonly bytes: Buffer
}

export interface Assets {
  readonly script: Asset
  readonly style: Asset
}

/** What the browser loads: of a build what lies beside this file, in a checkout made now. */
export async function loadAssets(): Promise<Assets> {
  const { script, style } = import.meta.filename.endsWith('.ts') ? await bundle() : await built()
  return {
    script: asset(script, 'js', 'text/javascript; charset=utf-8'),
    style: asset(style, 'css', 'text/css; charset=utf-8'),
  }
}

async function built(): Promise<Bundle> {
  const read = (name: string) => readFile(join(import.meta.dirname, 'ui', name), 'utf8')
  return { script: await read('main.js'), style: await read('main.css') }
}

function asset(text: string, extension: string, type: string): Asset {
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return { name: `dashboard-${digest}.${extension}`, type, bytes: Buffer.from(text) }
}

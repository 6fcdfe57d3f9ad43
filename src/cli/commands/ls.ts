import { formatSize } from '../../lib/units.ts'
import type { Command } from '../command.ts'
import { configFlags } from '../configuration.ts'
import { exitCode } from '../exit-code.ts'
import { type Seen, viewFor } from '../nfs-view.ts'

export const lsCommand: Command = {
  name: 'ls',
  usage: '[PATH]',
  summary: 'List the served tree as a client sees it, over NFS.',
  flags: [{ name: 'recursive', help: 'Directories below, too.' }, ...configFlags],
  async run(context) {
    await using view = await viewFor(context)
    const path = `/${(context.args[0] ?? '/').replace(/^\/+|\/+$/g, '')}`
    const top = await view.find(path)
    const print = (seen: Seen, at: string) =>
      context.out.write(`${context.json ? JSON.stringify({ path: at, ...seen }) : line(seen, at)}\n`)
    if (top.kind === 'file') {
      const { handle: _, ...seen } = top
      print(seen, path)
      return exitCode.ok
    }
    const pending = [path]
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      const { handle } = await view.find(directory)
      const below: string[] = []
      const entries = await Array.fromAsync(view.list(handle))
      for (const entry of entries.sort((a, b) => collator.compare(a.name, b.name))) {
        const at = `${directory === '/' ? '' : directory}/${entry.name}`
        print(entry, context.flags.recursive ? at : entry.name)
        if (context.flags.recursive && entry.kind === 'directory') below.push(at)
      }
      pending.push(...below.reverse())
    }
    return exitCode.ok
  },
}

const collator = new Intl.Collator(undefined, { numeric: true })

function line({ kind, size, modifiedAt }: Seen, name: string): string {
  const date = new Date(modifiedAt).toISOString().slice(0, 16).replace('T', ' ')
  return `${(kind === 'directory' ? '-' : formatSize(size)).padStart(10)}  ${date}  ${name}${kind === 'directory' ? '/' : ''}`
}

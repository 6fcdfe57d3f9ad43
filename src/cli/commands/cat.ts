import { once } from 'node:events'
import type { Command } from '../command.ts'
import { configFlags } from '../configuration.ts'
import { CommandError, exitCode } from '../exit-code.ts'
import { viewFor } from '../nfs-view.ts'

export const catCommand: Command = {
  name: 'cat',
  usage: 'PATH',
  summary: 'Write a served file to standard output, read over NFS as a client would.',
  flags: [{ name: 'offset', value: 'BYTES', help: 'Start there.' }, ...configFlags],
  async run(context) {
    const [path] = context.args
    if (path === undefined) throw new CommandError('Which file? For example: reelport cat "/Movies/…"', exitCode.usage)
    const offset = Number(context.flags.offset ?? 0)
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new CommandError(`--offset ${context.flags.offset}: write a number of bytes, 0 or more`, exitCode.usage)
    }
    await using view = await viewFor(context)
    const { handle, kind } = await view.find(path)
    if (kind === 'directory') throw new CommandError(`${path} is a directory: "reelport ls" lists it`)
    for await (const chunk of view.read(handle, offset)) {
      if (!context.out.write(chunk)) await once(context.out, 'drain', { signal: context.signal })
    }
    return exitCode.ok
  },
}

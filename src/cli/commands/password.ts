import { AccessError, demoDirectory, findInstance, keepPassword, removePassword } from '../../app/index.ts'
import type { Config } from '../../config/index.ts'
import type { Command } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { CommandError, exitCode } from '../exit-code.ts'
import { askSecret } from '../prompt.ts'

/** Needs no running server; one that runs follows at once. */
export const passwordCommand: Command = {
  name: 'password',
  usage: '[--remove]',
  summary: 'Set the password that people sign in with over HTTP; from a pipe, its first line. Ends all sessions.',
  flags: [{ name: 'remove', help: 'Have none: only this machine may look then.' }, ...configFlags],
  async run(context) {
    const config = loadFor(context)
    if (config.http.password !== undefined)
      throw new CommandError(
        'The settings say the password (http.password, http.passwordFile): change it there, and restart the server',
        exitCode.configuration,
      )
    const directory = directoryOf(config)
    if (context.flags.remove === true) {
      removePassword(directory)
      context.out.write(context.json ? '{"hasPassword":false}\n' : 'There is no password any more.\n')
      return exitCode.ok
    }
    const { err, signal } = context
    const password = await askSecret('New password: ', err, signal)
    if (password === undefined) throw new CommandError('No password was given', exitCode.usage)
    if (process.stdin.isTTY && (await askSecret('Once more: ', err, signal))?.reveal() !== password.reveal())
      throw new CommandError('That was another one: nothing was changed', exitCode.usage)
    try {
      await keepPassword(directory, password, 'command')
    } catch (error) {
      if (error instanceof AccessError) throw new CommandError(error.message, exitCode.usage, { cause: error })
      throw new CommandError(`Cannot write to ${directory}: ${(error as Error).message}`, exitCode.cannotWrite, {
        cause: error,
      })
    }
    context.out.write(context.json ? '{"hasPassword":true}\n' : 'Sign in with the new password from now on.\n')
    return exitCode.ok
  },
}

/** That of the server which runs; while none does, that of the one which would. */
function directoryOf({ data, demo, accounts }: Config): string {
  const demoData = demoDirectory(data)
  if (findInstance(data) !== undefined) return data
  return demo || accounts.length === 0 || findInstance(demoData) !== undefined ? demoData : data
}

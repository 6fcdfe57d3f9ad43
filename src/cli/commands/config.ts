import { exampleYaml, referenceMarkdown } from '../../config/index.ts'
import type { Command } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { CommandError, exitCode } from '../exit-code.ts'

export const configCommand: Command = {
  name: 'config',
  usage: 'check | reference | example',
  summary: 'Check the configuration, explain every setting (Markdown), or print an example file.',
  flags: configFlags,
  async run(context) {
    switch (context.args[0] ?? 'check') {
      case 'check': {
        const config = loadFor(context)
        const { warnings, ...values } = config
        context.out.write(
          context.json
            ? `${JSON.stringify({ ok: true, warnings, config: values }, null, 2)}\n`
            : `The configuration is right (${config.file ?? 'no file: defaults, environment and flags'}): ${count(config.accounts, 'account')}, ${count(config.libraries, 'library', 'libraries')}.\n`,
        )
        return exitCode.ok
      }
      case 'reference':
        context.out.write(referenceMarkdown())
        return exitCode.ok
      case 'example':
        context.out.write(exampleYaml())
        return exitCode.ok
      default:
        throw new CommandError(
          `Nothing known as "config ${context.args[0]}": check, reference or example`,
          exitCode.usage,
        )
    }
  },
}

function count({ length }: readonly unknown[], one: string, many = `${one}s`): string {
  return `${length} ${length === 1 ? one : many}`
}

import { type Check, fstabLine, kubernetesVolume, mountCommand, reachableBy, runChecks } from '../../app/index.ts'
import type { Command } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { exitCode } from '../exit-code.ts'
import { findServer } from '../running-server.ts'

const marks = { ok: 'ok  ', warning: 'note', failed: 'FAIL' } satisfies Record<Check['result'], string>

export const doctorCommand: Command = {
  name: 'doctor',
  usage: '',
  summary: 'Test account, ffmpeg, directories and ports, and print how to mount this very server.',
  flags: configFlags,
  async run(context) {
    const config = loadFor(context)
    const checks: Check[] = []
    for await (const check of runChecks(config, context.signal)) {
      checks.push(check)
      const { result, name, detail, hint } = check
      if (!context.json) context.out.write(`${marks[result]}  ${name}: ${detail}${hint ? `\n      ${hint}.` : ''}\n`)
    }
    const running = findServer(config.data)
    const { here, elsewhere } = reachableBy(running?.nfsHost ?? config.nfs.host)
    const target = {
      host: elsewhere ?? here,
      port: running?.nfsPort ?? config.nfs.port,
      path: config.nfs.exports[0] ?? '/',
    }
    const mount = {
      command: mountCommand(target, '/mnt/reelport'),
      fstab: fstabLine(target, '/mnt/reelport'),
      kubernetes: kubernetesVolume(target),
    }
    if (context.json) {
      context.out.write(`${JSON.stringify({ checks, mount }, null, 2)}\n`)
    } else {
      const indented = mount.kubernetes.trimEnd().replaceAll(/^/gm, '    ')
      context.out.write(`
Mount it (as root):
    mkdir -p /mnt/reelport
    ${mount.command}

At every start, in /etc/fstab:
    ${mount.fstab}

In Kubernetes, a volume and a claim for it:
${indented}
`)
    }
    return checks.some(({ result }) => result === 'failed') ? exitCode.failed : exitCode.ok
  },
}

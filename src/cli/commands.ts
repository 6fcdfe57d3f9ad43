import type { Command } from './command.ts'
import { backupCommand, restoreCommand } from './commands/backup.ts'
import { catCommand } from './commands/cat.ts'
import { channelsCommand } from './commands/channels.ts'
import { configCommand } from './commands/config.ts'
import { doctorCommand } from './commands/doctor.ts'
import { guideCommand } from './commands/guide.ts'
import { jellyfinCommand } from './commands/jellyfin.ts'
import { lsCommand } from './commands/ls.ts'
import { measureCommand } from './commands/measure.ts'
import { passwordCommand } from './commands/password.ts'
import { plexCommand } from './commands/plex.ts'
import { queueCommand } from './commands/queue.ts'
import { demoCommand, serveCommand, startCommand } from './commands/serve.ts'
import { statusCommand } from './commands/status.ts'
import { syncCommand } from './commands/sync.ts'
import { webhooksCommand } from './commands/webhooks.ts'

/** Every command, in the order in which the help lists them. */
export const commands: readonly Command[] = [
  startCommand,
  serveCommand,
  demoCommand,
  syncCommand,
  measureCommand,
  queueCommand,
  channelsCommand,
  guideCommand,
  plexCommand,
  jellyfinCommand,
  webhooksCommand,
  passwordCommand,
  lsCommand,
  catCommand,
  statusCommand,
  backupCommand,
  restoreCommand,
  doctorCommand,
  configCommand,
]

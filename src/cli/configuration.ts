import { type Config, loadConfig, settingFlags } from '../config/index.ts'
import type { CommandContext, Flag } from './command.ts'

/** The flags of every command that reads the configuration. */
export const configFlags: readonly Flag[] = settingFlags

/** The configuration as this command line and environment give it; warnings go to standard error. */
export function loadFor({ env, flags, cwd, err }: CommandContext): Config {
  const config = loadConfig({ env, flags, cwd })
  for (const { where, message, hint } of config.warnings) {
    err.write(`reelport: warning: ${where}: ${message}${hint ? `. ${hint}.` : ''}\n`)
  }
  return config
}

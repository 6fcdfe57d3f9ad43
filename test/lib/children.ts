import { readdirSync, readFileSync } from 'node:fs'

/** The programs that this process has started and that have not ended, each as `name pid`. Linux only. */
export function children(): readonly string[] {
  return readdirSync('/proc').flatMap(pid => {
    try {
      // proc(5): the name in brackets may hold anything, brackets too; the parent is the second field behind it.
      const [, name, rest] = /\((.*)\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))!
      return Number(rest!.split(' ')[1]) === process.pid ? [`${name} ${pid}`] : []
    } catch {
      return [] // no process, or none any more
    }
  })
}

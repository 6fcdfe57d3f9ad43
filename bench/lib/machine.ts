import { cpus, release, totalmem } from 'node:os'

/** What the figures were measured on, in one line. */
export function describeMachine(): string {
  const all = cpus()
  const memory = (totalmem() / 2 ** 30).toFixed(0)
  const date = new Date().toISOString().slice(0, 10)
  return `machine: ${all.length} x ${all[0]?.model.trim()}, ${memory} GiB, Linux ${release()}, Node ${process.version}, ${date}`
}

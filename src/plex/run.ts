import type { AnyStep } from '../lib/run-plan.ts'

/** Told of each step, before and after it is taken. */
export type OnStep = (step: AnyStep, state: 'begun' | 'done' | 'failed', reason?: string) => void

const words: Readonly<Record<string, string>> = {
  'remove-dvr': 'remove',
  'remove-device': 'remove the device',
  'register-device': 'add the tuner',
  'create-dvr': 'make a DVR with the guide for',
  'change-lineup': 'give the DVR its guide:',
  'scan-device': 'read the channels of',
  'reload-guide': 'read the guide of',
  'map-channels': 'map the channels of',
  'create-section': 'make the library',
  'change-settings': 'change settings of the library',
  'remove-section': 'remove the library',
}

/** `map the channels of reelport (1044AA32): none is mapped yet` */
export function describeStep({ do: work, subject, why }: AnyStep): string {
  return `${words[work] ?? work} ${subject}: ${why}`
}

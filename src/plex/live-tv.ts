import type { Clock } from '../lib/clock.ts'
import { type Plan, type RunReport, runPlan } from '../lib/run-plan.ts'
import type { PlexApi } from './api.ts'
import { lookAtTuners } from './look.ts'
import type { WantedTuners } from './ports.ts'
import { reloadsAtOnce } from './reload.ts'
import { describeStep, type OnStep } from './run.ts'
import { planTuners, planTunersRemoval, type TunerStep } from './tuner-plan.ts'
import { takeTunerStep } from './tuner-work.ts'

export interface LiveTvDeps {
  readonly api: PlexApi
  readonly clock: Clock
  readonly onStep: OnStep
}

/** What would be done for live TV; nothing is changed. @throws PlexError. */
export async function planLiveTv(wanted: WantedTuners, { api, clock }: LiveTvDeps): Promise<Plan<TunerStep>> {
  return planTuners(wanted, await lookAtTuners(api, wanted.tuners), clock.now())
}

/** Does it, until Plex has every tuner of ours with its guide and its channels. @throws PlexError when it cannot even look. */
export async function setUpLiveTv(wanted: WantedTuners, deps: LiveTvDeps, signal: AbortSignal): Promise<RunReport> {
  const revived = new Set<string>()
  return run(wanted, deps, signal, async () => {
    const seen = await lookAtTuners(deps.api, wanted.tuners)
    const plan = planTuners(wanted, seen, deps.clock.now(), revived)
    for (const step of plan.steps) if (step.do === 'register-device') revived.add(step.tuner.deviceId)
    return plan
  })
}

/** Removes every tuner of ours and its DVR. @throws PlexError when it cannot even look. */
export function removeLiveTv(wanted: WantedTuners, deps: LiveTvDeps, signal: AbortSignal): Promise<RunReport> {
  return run(wanted, deps, signal, async () => planTunersRemoval(wanted, await lookAtTuners(deps.api, [])))
}

function run(
  { language }: WantedTuners,
  { api, clock, onStep }: LiveTvDeps,
  signal: AbortSignal,
  plan: () => Promise<Plan<TunerStep>>,
): Promise<RunReport> {
  return runPlan<TunerStep>(
    {
      plan,
      take: step => takeTunerStep(step, { api, clock, language }, signal),
      atOnce: step => (step.do === 'reload-guide' ? reloadsAtOnce : 1),
      describe: describeStep,
      onStep,
    },
    signal,
  )
}

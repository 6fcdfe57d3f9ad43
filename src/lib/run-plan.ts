/** What is to be done. */
export interface Plan<Step> {
  readonly steps: readonly Step[]
  /** What is wrong and is not ours to change, in words. */
  readonly problems: readonly string[]
}

/** What every step says of itself. */
export interface AnyStep {
  readonly do: string
  /** What it is done to. */
  readonly subject: string
  readonly why: string
}

export interface FailedStep {
  readonly step: string
  /** Why, for a person. */
  readonly reason: string
}

/** What a run did, and what it did not. Everything that is not as it should be is in `failed`, `left` or `problems`. */
export interface RunReport {
  readonly done: readonly string[]
  readonly failed: readonly FailedStep[]
  /** Still to be done: steps behind a failed one, or that came to nothing. */
  readonly left: readonly string[]
  /** What is not ours to change. */
  readonly problems: readonly string[]
}

export interface RunOptions<Step extends AnyStep> {
  /** Looks, and says what is to be done now. */
  plan(round: number): Promise<Plan<Step>>
  take(step: Step): Promise<void>
  /** In words. */
  describe(step: Step): string
  /** How many steps of this sort may be taken at once. */
  atOnce(step: Step): number
  /** Told of each step, before and after. */
  onStep(step: Step, state: 'begun' | 'done' | 'failed', reason?: string): void
}

/** Two rounds do what there is to do; the third is for what a server did late. */
const maxRounds = 3

/**
 * Plans, does, and plans again from what is then there, until nothing is left to do. A step that fails holds up those behind it
 * of the same subject only.
 *
 * @throws what the first plan throws, when nothing was done yet; the signal's reason.
 */
export async function runPlan<Step extends AnyStep>(
  options: RunOptions<Step>,
  signal: AbortSignal,
): Promise<RunReport> {
  const done: string[] = []
  const failed: FailedStep[] = []
  const failedWork = new Set<string>()
  const broken = new Set<string>()
  let planned: readonly Step[] = []
  const report = (steps: readonly Step[], problems: readonly string[]): RunReport => {
    const left = steps.filter(step => !failedWork.has(workOf(step))).map(step => options.describe(step))
    return { done, failed, left, problems }
  }
  for (let round = 0; ; round++) {
    let plan: Plan<Step>
    try {
      plan = await options.plan(round)
    } catch (error) {
      if (signal.aborted || round === 0) throw error // nothing was done yet
      failed.push({ step: 'look at what is there now', reason: messageOf(error) })
      return report(
        planned.filter(step => !done.includes(options.describe(step))),
        [],
      )
    }
    const { steps, problems } = plan
    planned = steps
    const open = steps.filter(({ subject }) => !broken.has(subject))
    if (open.length === 0 || round === maxRounds) return report(steps, problems)
    for (const batch of batches(open, options.atOnce)) {
      await Promise.all(
        batch.map(async step => {
          if (broken.has(step.subject)) return
          options.onStep(step, 'begun')
          try {
            await options.take(step)
            done.push(options.describe(step))
            options.onStep(step, 'done')
          } catch (error) {
            if (signal.aborted) throw signal.reason
            broken.add(step.subject)
            failedWork.add(workOf(step))
            const reason = messageOf(error)
            failed.push({ step: options.describe(step), reason })
            options.onStep(step, 'failed', reason)
          }
        }),
      )
    }
  }
}

/** What a step does to what, whyever. */
const workOf = ({ do: work, subject }: AnyStep) => `${work} ${subject}`

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** Steps of one sort that follow each other, as many as may be taken at once. */
function batches<Step extends AnyStep>(steps: readonly Step[], atOnce: (step: Step) => number): readonly Step[][] {
  const result: Step[][] = []
  for (const step of steps) {
    const last = result.at(-1)
    if (last !== undefined && last[0]!.do === step.do && last.length < atOnce(step)) last.push(step)
    else result.push([step])
  }
  return result
}

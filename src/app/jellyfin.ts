import type { Config } from '../config/index.ts'
import type { Action } from '../http/index.ts'
import { pathBelow } from '../lib/host-paths.ts'
import { HttpProblem } from '../lib/http-problem.ts'
import type { RunReport } from '../lib/run-plan.ts'
import type { ServedTuner } from './live-tv.ts'
import { mountCommand, reachableBy } from './mounting.ts'
import { baseUrl, tunerAt } from './plex-wanted.ts'

export interface JellyfinParts {
  readonly config: Config
  readonly version: string
  readonly nfsPort: number
  httpPort(): number
  tuners(): readonly ServedTuner[] | undefined
}

export type JellyfinAnswer = { readonly text: string } | { readonly report: RunReport }

/** What `POST /api/jellyfin` does: prints the steps, plans, applies or removes them. The client is loaded when first asked for. */
export function jellyfinAction({ config, version, nfsPort, httpPort, tuners }: JellyfinParts): Action {
  const { jellyfin } = config
  const wanted = (mount: string | undefined) => {
    const base = baseUrl(config, jellyfin.url?.url, httpPort())
    const served = tuners()
    return {
      base: served === undefined ? undefined : base,
      tuners: (served ?? []).filter(({ channels }) => channels.length > 0).map(tuner => tunerAt(tuner, base)),
      libraries:
        mount === undefined
          ? []
          : config.libraries.map(({ name, kind }) => ({ name, kind, path: pathBelow(mount, name) })),
    }
  }
  return async (body, signal): Promise<JellyfinAnswer> => {
    const { do: what } = body as { do?: unknown }
    const { describeStep, JellyfinError, jellyfinApi, manualSteps, planSetup, remove, setUp } = await import(
      '../jellyfin/index.ts'
    )
    if (what === 'print') {
      const { here, elsewhere } = reachableBy(config.nfs.host)
      const target = { host: elsewhere ?? here, port: nfsPort, path: config.nfs.exports[0] ?? '/' }
      const mount = jellyfin.mount ?? '/mnt/reelport'
      return { text: manualSteps(wanted(mount), mountCommand(target, mount)) }
    }
    if (what !== 'plan' && what !== 'apply' && what !== 'remove')
      throw new HttpProblem(400, `Nothing known as ${JSON.stringify(what)}: do is print, plan, apply or remove`)
    if (jellyfin.url === undefined || jellyfin.apiKey === undefined)
      throw new HttpProblem(409, 'No Jellyfin server is configured: set jellyfin.url and jellyfin.apiKey')
    const api = jellyfinApi({ url: jellyfin.url.url, apiKey: jellyfin.apiKey, version }, signal)
    try {
      const all = wanted(jellyfin.mount)
      if (what !== 'plan') return { report: await (what === 'apply' ? setUp : remove)(all, api, signal) }
      const { steps, problems } = await planSetup(all, api)
      return { report: { done: [], failed: [], left: steps.map(describeStep), problems } }
    } catch (error) {
      if (error instanceof JellyfinError) throw new HttpProblem(502, error.message)
      throw error
    }
  }
}

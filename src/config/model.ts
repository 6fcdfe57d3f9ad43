import { z } from 'zod'
import type { Kind, Place } from './kinds.ts'

/** One setting: what it is, what it means, and what it is when nobody says. */
export interface Setting<T = unknown, Suffix extends string = string, Given extends boolean = boolean> {
  readonly node: 'setting'
  readonly kind: Kind<T, Suffix>
  /** One sentence for the reference. */
  readonly sentence: string
  /** True when there always is a value: by a default, or because it must be written. */
  readonly given: Given
  /** As people would write it. */
  readonly fallback?: string | readonly string[]
  /** What the default is where it is no constant. */
  readonly fallbackText?: string
  /** For the example file, where there is no default. */
  readonly example?: string | readonly string[]
  /** In the example file only mentioned, because another setting there says the same. */
  readonly alternative?: boolean
  /** The variable, where it is not named after the path. */
  readonly variable?: string
}

/** Settings that belong together. */
export interface Group<Members extends Record<string, Node> = Record<string, Node>> {
  readonly node: 'group'
  readonly sentence: string
  readonly members: Members
}

/** Any number of groups of one shape. */
export interface Entries<G extends Group = Group> {
  readonly node: 'entries'
  readonly sentence: string
  readonly each: G
}

export type Node = Setting | Group | Entries

type SuffixOf<N> = N extends Setting<unknown, infer Suffix> ? Suffix : ''
type IsGiven<N> = N extends Setting<unknown, string, infer Given> ? Given : true

/** The value of a setting, or of a group as an object whose names carry their units. */
export type ValueOf<N> =
  N extends Setting<infer T>
    ? T
    : N extends Entries<infer G>
      ? readonly ValueOf<G>[]
      : N extends Group<infer Members>
        ? {
            readonly [K in keyof Members & string as IsGiven<Members[K]> extends true
              ? `${K}${SuffixOf<Members[K]>}`
              : never]: ValueOf<Members[K]>
          } & {
            readonly [K in keyof Members & string as IsGiven<Members[K]> extends true
              ? never
              : `${K}${SuffixOf<Members[K]>}`]?: ValueOf<Members[K]>
          }
        : never

type Extras = Omit<Setting, 'node' | 'kind' | 'sentence' | 'given' | 'fallback'>

/** A setting with a default. */
export function setting<T, Suffix extends string>(
  kind: Kind<T, Suffix>,
  fallback: string | readonly string[],
  sentence: string,
  extras: Extras = {},
): Setting<T, Suffix, true> {
  return { node: 'setting', kind, fallback, sentence, given: true, ...extras }
}

/** A setting that may be left out. */
export function optional<T, Suffix extends string>(
  kind: Kind<T, Suffix>,
  sentence: string,
  extras: Extras = {},
): Setting<T, Suffix, false> {
  return { node: 'setting', kind, sentence, given: false, ...extras }
}

/** A setting without which its group means nothing. */
export function required<T, Suffix extends string>(
  kind: Kind<T, Suffix>,
  sentence: string,
  extras: Extras = {},
): Setting<T, Suffix, true> {
  return { node: 'setting', kind, sentence, given: true, ...extras }
}

export function group<Members extends Record<string, Node>>(sentence: string, members: Members): Group<Members> {
  return { node: 'group', sentence, members }
}

export function entries<G extends Group>(sentence: string, each: G): Entries<G> {
  return { node: 'entries', sentence, each }
}

/** What one source (file, environment, command line) says: text, lists and groups, by the names people write. */
export type Tree = { readonly [name: string]: Written }
export type Written = string | readonly Written[] | Tree

/** Validates one source's tree for a group; entries are validated one by one, see `read.ts`, and unknown here. */
export function groupSchema(group: Group, place: Place): z.ZodType<Record<string, unknown>> {
  const shape: Record<string, z.ZodType> = {}
  for (const [name, member] of Object.entries(group.members)) {
    if (member.node === 'setting') {
      const schema = member.kind.schema(place)
      shape[name] = isRequired(member) ? schema : schema.optional()
    } else if (member.node === 'group') shape[name] = groupSchema(member, place).optional()
  }
  return z.strictObject(shape, {
    error: issue => (issue.code === 'invalid_type' ? 'is not a group of settings' : undefined),
  })
}

/** True for a setting that has to be written. */
export function isRequired({ given, fallback, fallbackText }: Setting): boolean {
  return given && fallback === undefined && fallbackText === undefined
}

/** Completes validated values with the defaults and gives the names their units. */
export function finish(group: Group, values: Record<string, unknown>, place: Place): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(group.members)) {
    const value = values[name]
    if (member.node === 'group') out[name] = finish(member, (value ?? {}) as Record<string, unknown>, place)
    else if (member.node === 'setting') {
      const known =
        value ?? (member.fallback === undefined ? undefined : member.kind.schema(place).parse(member.fallback))
      if (known !== undefined) out[`${name}${member.kind.suffix}`] = known
    }
  }
  return out
}

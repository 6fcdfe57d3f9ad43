/** Differences of JSON values as merge patches (RFC 7396). Null means "gone" there, so null and undefined are the same here. */

/** What has to be merged into `before` to get `after`; undefined where they are the same. Lists change as a whole. */
export function mergePatch(before: unknown, after: unknown): unknown {
  if (before === after) return undefined
  if (!isObject(before) || !isObject(after)) {
    if (JSON.stringify(before) === JSON.stringify(after)) return undefined
    // An object in place of something else is merged into nothing, which is itself.
    return after ?? null
  }
  const patch: Record<string, unknown> = {}
  for (const name of Object.keys(before)) {
    if (before[name] != null && after[name] == null) patch[name] = null
  }
  for (const [name, value] of Object.entries(after)) {
    if (value == null) continue
    const change = mergePatch(before[name] ?? undefined, value)
    if (change !== undefined) patch[name] = change
  }
  return Object.keys(patch).length > 0 ? patch : undefined
}

/** `before` with the patch merged into it. Neither is changed, and what the patch does not touch is the same object still. */
export function applyMergePatch(before: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged: Record<string, unknown> = isObject(before) ? { ...before } : {}
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) delete merged[name]
    else merged[name] = applyMergePatch(merged[name], change)
  }
  return merged
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

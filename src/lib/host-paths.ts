/** Paths as another machine writes them, which may run Windows: `/mnt/reelport/Movies`, `R:\Movies`, `\\nas\films`. */

/** True for one path, however its slashes are written. */
export function isSamePath(a: string, b: string): boolean {
  return normal(a) === normal(b)
}

/** True for what is below a folder, at any depth; not for the folder itself. */
export function isInside(path: string, folder: string): boolean {
  return normal(path).startsWith(`${normal(folder)}/`)
}

/** The folders above a path, the nearest first, up to the first level. */
export function* foldersAbove(path: string): Generator<string> {
  for (let at = separatorBefore(path, path.length); at > 0; at = separatorBefore(path, at)) yield path.slice(0, at)
}

/** What has these names below a folder, with the separator that the folder's machine uses; the folder itself without any. */
export function pathBelow(folder: string, ...names: readonly string[]): string {
  const separator = /^[a-z]:|^\\\\/i.test(folder) && !folder.includes('/') ? '\\' : '/'
  const path = [withoutEnd(folder), ...names].join(separator)
  return path === '' || /^[a-z]:$/i.test(path) ? path + separator : path
}

/** The folder that a path is in: `/mnt` of `/mnt/Movies`, `R:\` of `R:\Movies`. */
export function parentOf(path: string): string {
  const whole = withoutEnd(path)
  return pathBelow(whole.slice(0, Math.max(0, separatorBefore(whole, whole.length))))
}

/** The last name in a path. */
export function nameIn(path: string): string {
  const whole = withoutEnd(path)
  return whole.slice(separatorBefore(whole, whole.length) + 1)
}

const withoutEnd = (path: string) => path.replace(/[/\\]+$/, '')

function normal(path: string): string {
  return path.replace(/[/\\]+/g, '/').replace(/\/$/, '')
}

function separatorBefore(path: string, end: number): number {
  return Math.max(path.lastIndexOf('/', end - 1), path.lastIndexOf('\\', end - 1))
}

/**
 * The address of a picture that may stand in a file which everybody on the network can read: without anything that could be a
 * log-in or a token. Undefined for all others.
 */
export function publicAddress(locator: string): string | undefined {
  if (!/^https?:\/\//i.test(locator) || /[{}|]/.test(locator) || !URL.canParse(locator)) return undefined
  const { username, password, search, href } = new URL(locator)
  return username === '' && password === '' && search === '' ? href : undefined
}

/** Bytes that are not the XDR (RFC 4506) they should be: truncated, over a limit, or outside an enumeration. */
export class XdrError extends Error {
  override name = 'XdrError'
}

/** Bytes of zero that follow `length` bytes of opaque data, so that what comes next is a multiple of four (RFC 4506 section 3). */
export function paddingOf(length: number): number {
  return -length & 3
}

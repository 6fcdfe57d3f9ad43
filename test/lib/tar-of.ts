import { Header } from 'tar'

const block = 512

/** A tar archive of these files, whatever their names are. */
export function tarOf(files: Iterable<readonly [name: string, content: Buffer]>): Buffer {
  const parts = [...files].flatMap(([path, content]) => {
    const header = new Header({ path, size: content.length, mode: 0o600, mtime: new Date(0), type: 'File' })
    header.encode()
    return [header.block!, content, Buffer.alloc((block - (content.length % block)) % block)]
  })
  return Buffer.concat([...parts, Buffer.alloc(2 * block)])
}

import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type FileHandle, Nfsstat3, type nfs3, type ProgramClient } from '@nfs/protocol-rpc'

/** As much as a kernel's read-ahead asks for. */
const readBytes = 256 * 1024

/** One file of the NFS server as `http://…`, for programs that say how much they read of what they open. */
export interface OverHttp extends AsyncDisposable {
  readonly url: string
}

export async function overHttp(nfs: ProgramClient<typeof nfs3>, file: FileHandle, size: number): Promise<OverHttp> {
  const server = createServer((request, response) => {
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? []
    const end = to === '' ? size : Number(to) + 1
    response.writeHead(206, {
      'accept-ranges': 'bytes',
      'content-length': end - Number(from),
      'content-range': `bytes ${from}-${end - 1}/${size}`,
    })
    send(response, Number(from), end).catch(() => response.destroy())
  })

  async function send(response: ServerResponse, from: number, to: number): Promise<void> {
    for (let at = from; at < to && !response.destroyed; ) {
      const answer = await nfs.READ({ file, offset: at, count: Math.min(readBytes, to - at) })
      if (answer.status === Nfsstat3.JUKEBOX) continue
      if (answer.status !== Nfsstat3.OK) throw new Error(`READ failed with ${answer.status}`)
      at += answer.data.length
      if (!response.write(Buffer.from(answer.data))) await once(response, 'drain')
    }
    response.end()
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/film.mp4`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

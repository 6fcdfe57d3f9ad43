import { type FileHandle, Mountstat3, mount3, Nfsstat3, nfs3, type RpcClient } from '@nfs/protocol-rpc'

/** The handle of what is at a path from the root, `/Movies/…`. */
export async function lookUp(client: RpcClient, path: string): Promise<FileHandle> {
  const mounted = await client.program(mount3).MNT('/')
  if (mounted.status !== Mountstat3.OK) throw new Error(`MNT: status ${mounted.status}`)
  const nfs = client.program(nfs3)
  let { handle } = mounted
  for (const name of path.split('/').filter(Boolean)) {
    const found = await nfs.LOOKUP({ dir: handle, name })
    if (found.status !== Nfsstat3.OK) throw new Error(`LOOKUP of ${name}: status ${found.status}`)
    handle = Buffer.from(found.object)
  }
  return handle
}

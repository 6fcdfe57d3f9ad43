import { X509Certificate } from 'node:crypto'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import type { Logger } from '../lib/log.ts'
import { answerBrokenRequest } from './broken-request.ts'

/** The certificate or its key cannot be used. */
export class CertificateError extends Error {
  override name = 'CertificateError'
}

export interface TlsOptions {
  /** 0 takes any free port. */
  readonly port: number
  /** Paths, in PEM. The certificate's file has those between it and the root, too. */
  readonly cert: string
  readonly key: string
  /** How often the files are looked at. */
  readonly checkMs?: number
}

/** The same server over TLS. Disposing of it ends open connections. */
export interface Tls extends AsyncDisposable {
  readonly port: number
  /** When the certificate that is used now ends, in milliseconds since the epoch. */
  readonly certificateEndsAt: number
}

/** A renewed certificate is used a minute later at most; until then the old one holds for weeks. */
const defaultCheckMs = 30_000

/**
 * Answers over TLS on a port of its own, by the routes of `app`, and takes up renewed files: those who are connected notice
 * nothing. A pair that does not fit (one of two files is renewed first) is left alone until it does.
 *
 * @throws CertificateError; the socket's error when it cannot listen.
 */
export async function startTls(
  app: FastifyInstance,
  { port, cert, key, checkMs = defaultCheckMs }: TlsOptions,
  server: ServerOptions & { readonly host: string; readonly maxConnections: number },
  log: Logger,
): Promise<Tls> {
  let pair = readPair(cert, key)
  const { host, maxConnections, ...options } = server
  const https = createServer({ ...options, ...pair.files, minVersion: 'TLSv1.2' }, app.routing)
  https.maxConnections = maxConnections
  https.on('clientError', answerBrokenRequest)
  const renew = () => {
    try {
      pair = readPair(cert, key)
      https.setSecureContext({ ...pair.files, minVersion: 'TLSv1.2' })
      log.info({ endsAt: new Date(pair.endsAt).toISOString() }, 'a renewed certificate is used from now on')
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'a changed certificate cannot be used: the one before stays')
    }
  }
  await listening(https, host, port)
  // by looking, and not by being told: volumes of containers replace files in ways of which nobody is told
  for (const path of new Set([cert, key])) watchFile(path, { interval: checkMs, persistent: false }, renew)
  return {
    port: (https.address() as AddressInfo).port,
    get certificateEndsAt() {
      return pair.endsAt
    },
    async [Symbol.asyncDispose]() {
      for (const path of new Set([cert, key])) unwatchFile(path, renew)
      const closed = new Promise(resolve => https.close(resolve))
      https.closeAllConnections()
      await closed
    },
  }
}

interface Pair {
  readonly files: { readonly cert: Buffer; readonly key: Buffer }
  readonly endsAt: number
}

function readPair(certPath: string, keyPath: string): Pair {
  const files = { cert: read(certPath, 'http.tls.cert'), key: read(keyPath, 'http.tls.key') }
  try {
    createSecureContext(files)
    return { files, endsAt: Date.parse(new X509Certificate(files.cert).validTo) }
  } catch (error) {
    const right = 'they have to be a certificate and its own key, both in PEM, the key without a pass phrase'
    throw new CertificateError(`Cannot use ${certPath} with ${keyPath}: ${(error as Error).message}; ${right}`, {
      cause: error,
    })
  }
}

function read(path: string, setting: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new CertificateError(`Cannot read ${path}: ${(error as Error).message} (${setting})`, { cause: error })
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

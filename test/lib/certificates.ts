import { join } from 'node:path'
import { run } from './programs.ts'

/** Makes a certificate of its own issuer for `tv.example`, by OpenSSL: `<name>.crt` and `<name>.key` in the directory. */
export async function makeCertificate(
  directory: string,
  name: string,
  days = 90,
): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)]
  const made = await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', String(days)],
    ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:tv.example', '-keyout', key, '-out', cert],
  ])
  if (made.status !== 0) throw new Error(made.stderr)
  return { cert, key }
}

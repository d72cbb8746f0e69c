// @ts-check
/** How a server is trusted: the same for the judge's sessions and for those of Prisma's command line, each with its own copy of the driver. */
import { readFileSync } from 'node:fs'
import { JudgeError } from './errors.js'

/**
 * libpq's sslmode in Node's words. https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
 * @param {{sslmode?: string | null, sslrootcert?: string | null}} connection
 * @returns {false | import('node:tls').ConnectionOptions}
 */
export function tlsOptions({ sslmode, sslrootcert }) {
  if (sslmode === 'disable') return false
  const ca = sslrootcert ? readFileSync(sslrootcert, 'utf8') : undefined
  if (sslmode === 'verify-full' && ca) return { ca, rejectUnauthorized: true }
  if (sslmode === 'require' && ca) return { ca, rejectUnauthorized: true, checkServerIdentity: () => undefined }
  if (sslmode === 'require') return { rejectUnauthorized: false }
  throw new JudgeError(`sslmode ${sslmode} is not one of disable, require, verify-full, or its sslrootcert is missing`)
}

/**
 * A server that is not the one it seems could ask for the password in clear, or as MD5 of it. The driver has no setting for that (libpq: require_auth), so its two answers are replaced.
 * @param {import('pg').Client} client
 */
export function refuseWeakAuthentication(client) {
  const driver = guts(client)
  const refusal = new JudgeError('the server asks for a password other than by scram-sha-256', { code: 'P1000' })
  for (const name of ['_handleAuthCleartextPassword', '_handleAuthMD5Password']) {
    if (typeof driver[name] !== 'function') throw new JudgeError(`the PostgreSQL driver has no ${name} to replace`)
    driver[name] = () => driver.connection.emit('error', refusal)
  }
}

/**
 * The driver's own parts, which its types do not show.
 * @param {import('pg').Client} client
 * @returns {any}
 */
export function guts(client) {
  return client
}

/** DATABASE_URL in the words of the driver: Prisma's native engine reads it so, its JavaScript adapter leaves it to whoever makes the driver. */
import { readFileSync } from 'node:fs'

/**
 * https://www.prisma.io/docs/orm/overview/databases/postgresql
 * @param {string} text
 */
export function read(text) {
  if (!URL.canParse(text)) throw new Error('DATABASE_URL is no URL') // Node's own message would show all of it
  const url = new URL(text)
  const asked = Object.fromEntries(url.searchParams)
  return {
    schema: asked.schema,
    pool: {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
      ssl: tls(asked),
      options: `-c search_path=${quoted(asked.schema)}`,
      max: 1,
    },
  }
}

/** @param {Record<string, string>} asked */
function tls({ sslmode, sslaccept, sslcert }) {
  if (sslmode === 'disable') return false
  if (sslmode !== 'require') throw new Error(`sslmode ${sslmode} is none that is published`)
  if (sslaccept !== 'strict') return { rejectUnauthorized: false }
  return { ca: readFileSync(sslcert, 'utf8'), rejectUnauthorized: true }
}

/** @param {string} name */
function quoted(name) {
  return `"${name.replaceAll('"', '""')}"`.replaceAll('\\', '\\\\').replaceAll(' ', '\\ ')
}

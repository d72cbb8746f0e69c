// @ts-check
/**
 * How Prisma's own command line reaches a database here: its native engines are downloads, so it is given a driver in JavaScript, and applies by its engine in WebAssembly.
 * migrator/prisma_cli.py starts it. DATABASE_URL says where the database is, with libpq's words behind the question mark: schema, sslmode, sslrootcert, options, application_name.
 * The engine looks for its ledger in `schema`; where scripts make things, the search_path in `options` says.
 */
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { guts, refuseWeakAuthentication, tlsOptions } from '../connection.js'

/** The line on stderr that the migrator reads: the engine's own words hold no SQLSTATE, and may hold rows. */
const REFUSED = 'litellmdb-refused '
/** The engine gives up waiting for its lock after this time, by a timer that it never takes back: the process would live as long. */
const LOCK_TIMEOUT_MS = 10_000

const setTimer = globalThis.setTimeout
globalThis.setTimeout = /** @type {any} */ (
  (/** @type {() => void} */ work, /** @type {number} */ delay, /** @type {any[]} */ ...given) => {
    const timer = /** @type {any} */ (setTimer(work, delay, ...given))
    return delay === LOCK_TIMEOUT_MS ? timer.unref() : timer
  }
)

/** The environment variable that Prisma's native engines know; the one in WebAssembly does not. */
const lockIsHeldByStarter = process.env.PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK === '1'

class Client extends pg.Client {
  /** @param {pg.ClientConfig} [config] */
  constructor(config) {
    super(config)
    refuseWeakAuthentication(this)
  }
}

const url = new URL(process.env.DATABASE_URL ?? '')
const asked = Object.fromEntries(url.searchParams)

/** @returns {pg.PoolConfig & {Client: typeof pg.Client}} */
function poolConfig() {
  return {
    Client,
    host: decodeURIComponent(url.hostname).replace(/^\[|\]$/g, ''),
    port: Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    ssl: tlsOptions(asked),
    options: asked.options,
    application_name: asked.application_name,
    connectionTimeoutMillis: LOCK_TIMEOUT_MS - 1,
    max: 2,
    allowExitOnIdle: true,
  }
}

class Factory extends PrismaPg {
  async connect() {
    return mended(await super.connect())
  }
}

/**
 * A script goes as one query, and so as one transaction, as Prisma's native engine sends it: the driver would cut it at each semicolon, also within a DO block.
 * @param {any} adapter
 */
function mended(adapter) {
  for (const name of ['queryRaw', 'executeRaw']) {
    const ask = adapter[name].bind(adapter)
    adapter[name] = (/** @type {{sql: string}} */ query) => ask(takesLock(query.sql) ? { ...query, sql: 'SELECT 1' } : query)
  }
  adapter.executeScript = async (/** @type {string} */ script) => {
    if (!takesLock(script)) await run(adapter, script)
  }
  return adapter
}

/** @param {string} text */
function takesLock(text) {
  return lockIsHeldByStarter && text.includes('pg_advisory_lock(72707369)')
}

/**
 * @param {any} adapter
 * @param {string} script
 */
async function run(adapter, script) {
  const client = await adapter.client.connect().catch((/** @type {any} */ error) => adapter.onError(error))
  let completed = 0
  const count = () => (completed += 1)
  guts(client).connection.on('commandComplete', count)
  try {
    await client.query(script)
  } catch (error) {
    tell(error, completed)
    adapter.onError(error)
  } finally {
    guts(client).connection.off('commandComplete', count)
    client.release()
  }
}

/**
 * PostgreSQL's primary message: DETAIL and HINT can hold row values.
 * @param {any} error
 * @param {number} completed statements of the script that came to their end
 */
function tell({ severity, code, message, position }, completed) {
  const told = { sqlstate: severity ? code : null, message, position: position ? Number(position) : null, completed }
  process.stderr.write(`\n${REFUSED}${JSON.stringify(told)}\n`)
}

export default {
  engine: 'js',
  experimental: { adapter: true },
  adapter: async () => new Factory(poolConfig(), { schema: asked.schema }),
}

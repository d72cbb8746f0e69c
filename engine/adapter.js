// @ts-check
/**
 * The driver that Prisma's engine reads a database through. Prisma's own (`@prisma/adapter-pg`) refuses types that introspection needs, and can write; this one knows exactly the types that the catalogues
 * and the ledger hold, and cannot. A session is opened and closed for each question.
 */
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum, DriverAdapterError } from '@prisma/driver-adapter-utils'
import pg from 'pg'
import { guts, refuseWeakAuthentication, tlsOptions } from './connection.js'
import { fromDriver, JudgeError } from './errors.js'
import { newEngine } from './wasm.js'

/** @typedef {{host: string, port: number, database: string, user: string, password: string, sslmode: 'disable' | 'require' | 'verify-full', sslrootcert?: string | null, schema: string}} Connection */
/** @typedef {import('@prisma/driver-adapter-utils').SqlQuery} SqlQuery */
/** @typedef {import('@prisma/driver-adapter-utils').SqlResultSet} SqlResultSet */

const CONNECT_TIMEOUT_MS = 10_000

/** PostgreSQL's oid -> the engine's name for a column of that type. https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */
const COLUMN_TYPES = /** @type {Record<number, number>} */ ({
  16: ColumnTypeEnum.Boolean, // bool
  18: ColumnTypeEnum.Character, // "char": as Text the engine panics over PostgreSQL 18's NOT NULL constraints
  19: ColumnTypeEnum.Text, // name
  20: ColumnTypeEnum.Int64, // int8
  21: ColumnTypeEnum.Int32, // int2
  23: ColumnTypeEnum.Int32, // int4
  25: ColumnTypeEnum.Text, // text
  26: ColumnTypeEnum.Int64, // oid
  1009: ColumnTypeEnum.TextArray, // text[]
  1043: ColumnTypeEnum.Text, // varchar
  1184: ColumnTypeEnum.DateTime, // timestamptz
})

const TIMESTAMPTZ = 1184

/**
 * A driver's usual value for a type, but for the ledger's times: the engine reads RFC 3339.
 * @param {number} oid
 * @param {any} format
 */
function getTypeParser(oid, format) {
  const parse = pg.types.getTypeParser(oid, format)
  return oid === TIMESTAMPTZ ? (/** @type {string} */ text) => /** @type {Date} */ (parse(text)).toISOString() : parse
}

/**
 * Opens a session, gives `ask` an engine that reads through it, and closes it.
 * @template T
 * @param {Connection} connection
 * @param {string} datamodel that the engine is started with
 * @param {(engine: import('./wasm.js').SchemaEngine) => Promise<T>} ask
 * @returns {Promise<T>}
 * @throws {JudgeError} the session's failure, where there was one: the engine only tells that something outside failed
 */
export async function withSession(connection, datamodel, ask) {
  const client = await connect(connection)
  const session = new Session(client, connection.schema)
  try {
    return await ask(await newEngine(datamodel, bindMigrationAwareSqlAdapterFactory(session.factory())))
  } catch (error) {
    throw session.failure ?? error
  } finally {
    await client.end().catch(() => {})
  }
}

/** @param {Connection} connection */
async function connect(connection) {
  const client = new pg.Client(await clientConfig(connection))
  refuseWeakAuthentication(client)
  client.on('error', () => {}) // a lost connection fails the query under way; unheard, the event would end the process
  try {
    await client.connect()
    return client
  } catch (error) {
    guts(client).connection.stream.destroy() // a polite end would wait for a server that may never answer
    throw fromDriver(error)
  }
}

/**
 * The driver's settings for a connection; the session can read only, in the one schema.
 * @param {Connection} connection
 * @returns {Promise<pg.ClientConfig>}
 */
export async function clientConfig(connection) {
  const { host, port, database, user, password } = connection
  const searchPath = `"${connection.schema.replaceAll('"', '""')}"`.replace(/[\\\s]/g, '\\$&')
  return {
    host,
    port,
    database,
    user,
    password,
    ssl: tlsOptions(connection),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'litellmdb-judge',
    options: `-c default_transaction_read_only=on -c search_path=${searchPath}`,
  }
}

/** What the engine is given: one client that reads catalogues and the ledger. */
class Session {
  provider = /** @type {const} */ ('postgres')
  adapterName = 'litellmdb-judge'
  /** @type {JudgeError | null} the last failure: where the engine has no use for one, it stops */
  failure = null

  /**
   * @param {pg.Client} client
   * @param {string} schema
   */
  constructor(client, schema) {
    this.client = client
    this.schema = schema
  }

  factory() {
    const connect = async () => this
    return { provider: this.provider, adapterName: this.adapterName, connect, connectToShadowDb: this.refuse }
  }

  getConnectionInfo() {
    return { schemaName: this.schema, supportsRelationJoins: true }
  }

  /**
   * @param {SqlQuery} query
   * @returns {Promise<SqlResultSet>}
   */
  async queryRaw({ sql, args }) {
    try {
      const { fields, rows } = await this.client.query({ text: sql, values: args, rowMode: 'array', types: { getTypeParser } })
      return { columnNames: fields.map((field) => field.name), columnTypes: fields.map(columnType), rows }
    } catch (error) {
      throw this.told(fromDriver(error))
    }
  }

  /** The engine makes a schema that is not there; it reads in all other cases. */
  refuse = async () => {
    throw this.told(new JudgeError(`schema "${this.schema}" does not exist, or the engine wants to write`))
  }
  executeRaw = this.refuse
  executeScript = this.refuse
  startTransaction = this.refuse

  async dispose() {}

  /**
   * The engine knows by its SQLSTATE that the ledger is missing, and goes on; any other failure ends the request.
   * @param {JudgeError} failure
   */
  told(failure) {
    const { sqlstate, message } = failure
    this.failure = failure
    return new DriverAdapterError({ kind: 'postgres', code: sqlstate ?? 'N/A', severity: 'ERROR', message, detail: undefined, column: undefined, hint: undefined })
  }
}

/** @param {pg.FieldDef} field */
function columnType({ name, dataTypeID }) {
  const type = COLUMN_TYPES[dataTypeID]
  if (type === undefined) throw new JudgeError(`the engine reads a column ${name} whose type (oid ${dataTypeID}) this driver does not know`)
  return /** @type {import('@prisma/driver-adapter-utils').ColumnType} */ (type)
}

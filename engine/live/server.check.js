// @ts-check
/**
 * The judge against a real server and a real bundle. Whoever has both runs it, once a server and bundle:
 *   JUDGE_SERVER='{"host": …, "port": …, "user": …, "password": …, "sslmode": …}' JUDGE_BUNDLE=<a bundle's file in the library> node --test live/server.check.js
 * The user must be a superuser; the databases made there begin with judged_, and are dropped again.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { clientConfig } from '../adapter.js'
import { Conversation } from '../test/judge.js'

const server = { ...JSON.parse(process.env.JUDGE_SERVER ?? ''), database: 'postgres', schema: 'public' }
const file = process.env.JUDGE_BUNDLE ?? ''
/** @type {{schema: string, migrations: {name: string, checksum: string}[], indexes: any[], views: any[]}} */
const bundle = JSON.parse(readFileSync(file, 'utf8'))
const place = (/** @type {string} */ sha256) => join(dirname(file), 'objects', sha256)
const datamodel = place(bundle.schema)
const migrations = bundle.migrations.map(({ name, checksum }) => ({ name, path: place(checksum) }))
const names = migrations.map(({ name }) => name)
const judge = new Conversation()
const WHOLE = 'judged_whole'
const DAMAGED = 'judged_damaged'
const LEDGER = `CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL,
  logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT clock_timestamp(), applied_steps_count integer NOT NULL DEFAULT 0)`

/**
 * @param {string} database
 * @param {string[]} scripts each sent as one simple query
 */
async function execute(database, ...scripts) {
  const { options: _, ...config } = await clientConfig({ ...server, database })
  const client = new pg.Client(config)
  await client.connect()
  try {
    for (const script of scripts) await client.query(script)
  } finally {
    await client.end()
  }
}

/**
 * A ledger's row as Prisma writes it.
 * @param {string} name
 * @param {string} [finished]
 */
function ledgerRow(name, finished = 'clock_timestamp()') {
  const checksum = bundle.migrations.find((migration) => migration.name === name)?.checksum
  return `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ('${randomUUID()}', '${checksum}', '${name}', ${finished}, 1)`
}

/** @param {string} method @param {string} database @param {object} [connection] */
async function answer(method, database, connection = {}) {
  const { result, error } = await judge.ask(method, { migrations, datamodel, connection: { ...server, database, ...connection } })
  assert.equal(error, undefined)
  return result
}

/** @param {any} result */
function lines({ missing, extra }) {
  const line = (/** @type {any} */ { kind, table, name }) => `${kind} ${table ?? '-'} ${name}`
  return { missing: missing.map(line), extra: extra.map(line).filter((/** @type {string} */ text) => !ONLY_IN_MIGRATIONS.has(text)) }
}

/** Partial indexes that migrations make and schema.prisma cannot name. */
const ONLY_IN_MIGRATIONS = new Set(['index - idx_autorouter_baseline_dirty', 'index - LiteLLM_ShadowEvalJob_one_active_per_target_direction'])

/** @param {string} name @param {string} [template] */
function newDatabase(name, template = 'template0') {
  return execute('postgres', `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`, `CREATE DATABASE ${name} TEMPLATE ${template}`)
}

before(async () => {
  await newDatabase(WHOLE)
  const indexes = bundle.indexes.map((index) => `CREATE INDEX CONCURRENTLY IF NOT EXISTS "${index.name}" ON public."${index.table}" ${index.definition}`)
  const views = bundle.views.map((view) => view.sql)
  const scripts = migrations.flatMap(({ name, path }) => [readFileSync(path, 'utf8'), ledgerRow(name)])
  await execute(WHOLE, LEDGER, ...scripts, ...indexes, ...views)
})

after(async () => {
  assert.equal(await judge.end(), 0)
  await execute('postgres', `DROP DATABASE IF EXISTS ${DAMAGED}`, `DROP DATABASE ${WHOLE}`) // without FORCE: a session left open fails here
})

test('the whole bundle is complete', async () => {
  assert.deepEqual(lines(await answer('compare', WHOLE)), { missing: [], extra: [] })
  assert.deepEqual(await answer('diagnose', WHOLE), { hasMigrationsTable: true, failed: [], edited: [], history: null, unapplied: [], unknown: [] })
})

/** What is done to a whole database, and what is then missing, and what extra; each on an object of its own, so that all can be done to one database. */
const DAMAGES = /** @type {[string, string[], string[]][]} */ ([
  ['ALTER TABLE "LiteLLM_TeamTable" DROP COLUMN blocked', ['column LiteLLM_TeamTable blocked'], []],
  ['DROP TABLE "LiteLLM_Config"', ['table LiteLLM_Config LiteLLM_Config'], []],
  ['DROP INDEX "LiteLLM_SpendLogs_end_user_idx"', ['index LiteLLM_SpendLogs LiteLLM_SpendLogs_end_user_idx'], []],
  ['DROP INDEX "LiteLLM_SpendLogs_session_id_idx"; CREATE INDEX "LiteLLM_SpendLogs_session_id_idx" ON "LiteLLM_SpendLogs"("user")', ['index LiteLLM_SpendLogs LiteLLM_SpendLogs_session_id_idx'], []],
  ['ALTER INDEX "LiteLLM_SpendLogs_startTime_idx" RENAME TO x', [], ['index - x']],
  ['ALTER TABLE "LiteLLM_CronJob" DROP CONSTRAINT "LiteLLM_CronJob_pkey"', ['primaryKey LiteLLM_CronJob LiteLLM_CronJob_pkey'], []],
  ['ALTER TABLE "LiteLLM_TagTable" DROP CONSTRAINT "LiteLLM_TagTable_budget_id_fkey"', ['foreignKey LiteLLM_TagTable LiteLLM_TagTable_budget_id_fkey'], []],
  ['ALTER TABLE "LiteLLM_BudgetTable" ALTER tpm_limit TYPE integer', ['columnType LiteLLM_BudgetTable tpm_limit'], []],
  ['ALTER TABLE "LiteLLM_UserTable" ALTER max_budget TYPE jsonb USING NULL', ['columnType LiteLLM_UserTable max_budget'], []],
  ['ALTER TABLE "LiteLLM_TeamTable" ALTER spend DROP NOT NULL', ['columnNull LiteLLM_TeamTable spend'], []],
  ['ALTER TABLE "LiteLLM_TeamTable" ALTER max_budget SET NOT NULL', ['columnNull LiteLLM_TeamTable max_budget'], []],
  ['ALTER TABLE "LiteLLM_UserTable" ALTER spend SET DEFAULT 1', ['columnDefault LiteLLM_UserTable spend'], []],
  ['ALTER TABLE "LiteLLM_TeamTable" ALTER rpm_limit SET DEFAULT 3', [], ['columnDefault LiteLLM_TeamTable rpm_limit']],
  ['ALTER TYPE "JobStatus" RENAME VALUE \'ACTIVE\' TO \'X\'', ['enumValue - JobStatus.ACTIVE'], ['enumValue - JobStatus.X']],
  ['CREATE TABLE t (id integer PRIMARY KEY, a "char", b int4range, c integer[][])', [], ['table t t']],
  ['ALTER TABLE "LiteLLM_TeamTable" ADD COLUMN x integer', [], ['column LiteLLM_TeamTable x']],
  ['CREATE TYPE e AS ENUM (\'a\')', [], ['enum - e']],
  ['CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS \'SELECT 1\'', [], []],
  ['CREATE VIEW v AS SELECT 1 AS one', [], []],
  ['ALTER TABLE "LiteLLM_TeamTable" ADD CHECK (spend > -1)', [], []],
  ['CREATE SCHEMA s CREATE TABLE t (i integer)', [], []],
])

test('what is missing is told from what is extra', async () => {
  await newDatabase(DAMAGED, WHOLE)
  await execute(DAMAGED, ...DAMAGES.map(([sql]) => sql))
  const { missing, extra } = lines(await answer('compare', DAMAGED))
  assert.deepEqual(missing.sort(), DAMAGES.flatMap(([, lines]) => lines).sort())
  assert.deepEqual(extra.sort(), DAMAGES.flatMap(([, , lines]) => lines).sort())
})

test('an empty schema lacks every table', async () => {
  await newDatabase(DAMAGED)
  const tables = (await answer('compare', DAMAGED)).missing.filter((/** @type {any} */ { kind }) => kind === 'table')
  assert.equal(tables.length, readFileSync(datamodel, 'utf8').match(/^model /gm)?.length)
  const { hasMigrationsTable, history, unapplied } = await answer('diagnose', DAMAGED)
  assert.deepEqual({ hasMigrationsTable, history, unapplied }, { hasMigrationsTable: false, history: 'databaseIsBehind', unapplied: names })
})

test('a schema with an odd name is looked at, and it alone', async () => {
  await newDatabase(DAMAGED)
  await execute(DAMAGED, 'CREATE SCHEMA "odd \\ ""one"; SET search_path = "odd \\ ""one"', `SET search_path = "odd \\ ""one"; ${LEDGER}; ${ledgerRow(names[0] ?? '')}; CREATE TABLE t (id integer PRIMARY KEY)`)
  const schema = 'odd \\ "one'
  assert.deepEqual((await answer('diagnose', DAMAGED, { schema })).unapplied, names.slice(1))
  assert.deepEqual(lines(await answer('compare', DAMAGED, { schema })).extra, ['table t t'])
  assert.deepEqual(lines(await answer('compare', DAMAGED)).extra, [])
  const { error } = await judge.ask('compare', { datamodel, connection: { ...server, database: DAMAGED, schema: 'absent' } })
  assert.match(error.message, /^schema "absent" does not exist/)
})

test('each state of the ledger has its answer', async () => {
  const [first = '', last = ''] = [names[0], names.at(-1)]
  const edit = async (/** @type {string} */ sql) => {
    await execute(DAMAGED, sql)
    const { hasMigrationsTable, ...told } = await answer('diagnose', DAMAGED)
    assert.ok(hasMigrationsTable)
    return told
  }
  const none = { failed: [], edited: [], history: null, unapplied: [], unknown: [] }
  await newDatabase(DAMAGED, WHOLE)
  assert.deepEqual(await edit(`DELETE FROM _prisma_migrations WHERE migration_name = '${last}'`), { ...none, history: 'databaseIsBehind', unapplied: [last] })
  assert.deepEqual(await edit(ledgerRow(last, 'NULL')), { ...none, failed: [last] })
  assert.deepEqual(await edit('UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL'), { ...none, history: 'databaseIsBehind', unapplied: [last] })
  assert.deepEqual(await edit(ledgerRow(last)), none)
  assert.deepEqual(await edit(`UPDATE _prisma_migrations SET checksum = 'x' WHERE migration_name = '${first}'`), { ...none, edited: [first] })
  assert.deepEqual(await edit(ledgerRow(last).replaceAll(last, '2999_new')), { ...none, edited: [first], history: 'migrationsDirectoryIsBehind', unknown: ['2999_new'] })
  assert.deepEqual(await edit(`DELETE FROM _prisma_migrations WHERE migration_name = '${last}'`), { ...none, edited: [first], history: 'historiesDiverge', unapplied: [last], unknown: ['2999_new'] })
})

test('an error of the server comes with its SQLSTATE', async () => {
  await newDatabase(DAMAGED)
  await execute(DAMAGED, 'CREATE TABLE _prisma_migrations (id integer)')
  const { error } = await judge.ask('diagnose', { migrations, connection: { ...server, database: DAMAGED } })
  assert.deepEqual(error, { code: null, sqlstate: '42703', message: 'column "checksum" does not exist', position: null })
})

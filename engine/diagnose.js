// @ts-check
/** What Prisma says of a database's ledger against a list of migrations. */
import { readFile } from 'node:fs/promises'
import { withSession } from './adapter.js'
import { JudgeError } from './errors.js'

/** @typedef {import('@prisma/schema-engine-wasm/schema_engine_bg').MigrationList} MigrationList */
/** @typedef {import('@prisma/schema-engine-wasm/schema_engine_bg').HistoryDiagnostic} HistoryDiagnostic */

/** @typedef {{name: string, path: string}} Migration its name in the ledger, and where its script lies */

/** The ledger has no models: the engine starts sooner, and with 30 MB less, when it is given none. */
const NO_MODELS = 'datasource db {\n  provider = "postgresql"\n}\n'

/**
 * The answer to `diagnose`.
 * @param {{connection: import('./adapter.js').Connection, migrations: Migration[]}} params
 */
export async function diagnose({ connection, migrations }) {
  const migrationsList = await readMigrations(migrations)
  return withSession(connection, NO_MODELS, async (engine) => {
    const filters = { externalTables: [], externalEnums: [] }
    const verdict = await engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: false, filters })
    return {
      hasMigrationsTable: verdict.hasMigrationsTable,
      failed: byteOrder(verdict.failedMigrationNames),
      edited: byteOrder(verdict.editedMigrationNames),
      ...difference(verdict.history),
    }
  })
}

/** @param {HistoryDiagnostic | null} history */
function difference(history) {
  return {
    history: history?.diagnostic ?? null,
    unapplied: byteOrder(history && 'unappliedMigrationNames' in history ? history.unappliedMigrationNames : []),
    unknown: byteOrder(history && 'unpersistedMigrationNames' in history ? history.unpersistedMigrationNames : []),
  }
}

/**
 * @param {Migration[]} migrations
 * @returns {Promise<MigrationList>}
 */
async function readMigrations(migrations) {
  // without one, every database would look finished
  if (migrations.length === 0) throw new JudgeError('cannot diagnose: no migrations are given')
  const inOrder = migrations.toSorted((a, b) => compareBytes(a.name, b.name))
  return {
    baseDir: '',
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(inOrder.map(readMigration)),
  }
}

/** @param {Migration} migration */
async function readMigration({ name, path }) {
  const value = await readFile(path, 'utf8')
  return { path: name, migrationFile: { path: 'migration.sql', content: { tag: /** @type {const} */ ('ok'), value } } }
}

/** @param {string[]} names */
function byteOrder(names) {
  return names.toSorted(compareBytes)
}

/** @param {string} a @param {string} b */
function compareBytes(a, b) {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

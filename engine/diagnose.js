// @ts-check
/** What Prisma says of a database's ledger against a folder of migrations. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withSession } from './adapter.js'
import { JudgeError } from './errors.js'

/** @typedef {import('@prisma/schema-engine-wasm/schema_engine_bg').MigrationList} MigrationList */
/** @typedef {import('@prisma/schema-engine-wasm/schema_engine_bg').HistoryDiagnostic} HistoryDiagnostic */

/** The ledger has no models: the engine starts sooner, and with 30 MB less, when it is given none. */
const NO_MODELS = 'datasource db {\n  provider = "postgresql"\n}\n'

/**
 * The answer to `diagnose`.
 * @param {{connection: import('./adapter.js').Connection, migrations: string}} params
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
 * @param {string} folder
 * @returns {Promise<MigrationList>}
 */
async function readMigrations(folder) {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = byteOrder(entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name))
  // an empty folder would make every database look finished
  if (names.length === 0) throw new JudgeError(`cannot diagnose: no migration in ${folder}`)
  return {
    baseDir: folder,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(names.map((name) => readMigration(folder, name))),
  }
}

/**
 * @param {string} folder
 * @param {string} name
 */
async function readMigration(folder, name) {
  const value = await readFile(join(folder, name, 'migration.sql'), 'utf8')
  return { path: name, migrationFile: { path: 'migration.sql', content: { tag: /** @type {const} */ ('ok'), value } } }
}

/** @param {string[]} names */
function byteOrder(names) {
  return names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

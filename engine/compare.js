// @ts-check
/** What a database lacks of a datamodel. */
import { readFile } from 'node:fs/promises'
import { withSession } from './adapter.js'
import { differencesOf, rebuildsEnum } from './differences.js'
import { statementsOf } from './parser.js'

/** @typedef {import('@prisma/schema-engine-wasm/schema_engine_bg').SchemasContainer} Datamodel */
/** @typedef {import('./wasm.js').SchemaEngine} SchemaEngine */

/** Without the feature, introspecting a partial index ends in a datamodel that the engine itself refuses (P1012). */
const BASE = inFiles(`datasource db {
  provider = "postgresql"
}
generator client {
  provider        = "none"
  previewFeatures = ["partialIndexes"]
}
`)
const INTROSPECTED_NOTHING = 'P4001'

/**
 * The answer to `compare`.
 * @param {{connection: import('./adapter.js').Connection, datamodel: string}} params
 */
export async function compare({ connection, datamodel }) {
  const wanted = inFiles(withoutUrl(await readFile(datamodel, 'utf8')))
  return withSession(connection, BASE.files[0]?.content ?? '', async (engine) => {
    const found = await introspect(engine)
    const there = await script(engine, found, wanted)
    const back = rebuildsEnum(there) ? await script(engine, wanted, found) : []
    return { ...differencesOf(there, back), statements: there.length }
  })
}

/**
 * The database as a datamodel.
 * @param {SchemaEngine} engine
 * @returns {Promise<Datamodel>}
 */
async function introspect(engine) {
  try {
    const { schema } = await engine.introspect({ schema: BASE, baseDirectoryPath: '/', force: false, compositeTypeDepth: 0, namespaces: null })
    return schema
  } catch (error) {
    if (/** @type {{code?: unknown}} */ (error).code === INTROSPECTED_NOTHING) return BASE
    throw error
  }
}

/**
 * The engine's script from one datamodel to the other; it is read, never run.
 * @param {SchemaEngine} engine
 * @param {Datamodel} from
 * @param {Datamodel} to
 */
async function script(engine, from, to) {
  const { stdout } = await engine.diff({
    from: { tag: 'schemaDatamodel', ...from },
    to: { tag: 'schemaDatamodel', ...to },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  })
  return statementsOf(stdout ?? '')
}

/**
 * @param {string} content
 * @returns {Datamodel}
 */
function inFiles(content) {
  return { files: [{ path: 'schema.prisma', content }] }
}

/**
 * This engine refuses a datasource with a URL, which LiteLLM's older engine demands.
 * @param {string} datamodel
 */
function withoutUrl(datamodel) {
  return datamodel.replace(/^\s*url\s*=.*$/m, '')
}

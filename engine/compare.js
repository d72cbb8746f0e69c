// @ts-check
/** What a database lacks of a datamodel. */
import { readFile } from 'node:fs/promises'
import { withSession } from './adapter.js'
import { differencesOf, rebuildsEnum } from './differences.js'
import { statementsOf } from './parser.js'

/** @typedef {import('@prisma/schema-engine-wasm/schema_engine_bg').SchemasContainer} Datamodel */
/** @typedef {import('./wasm.js').SchemaEngine} SchemaEngine */

/** Introspecting a partial index turns a feature of the generator on; without a generator the result is one that the engine itself refuses (P1012). */
const EMPTY = `datasource db {
  provider = "postgresql"
}
generator client {
  provider = "none"
}
`
const INTROSPECTED_NOTHING = 'P4001'

/**
 * The answer to `compare`.
 * @param {{connection: import('./adapter.js').Connection, datamodel: string}} params
 */
export async function compare({ connection, datamodel }) {
  const wanted = inFiles(withoutUrl(await readFile(datamodel, 'utf8')))
  return withSession(connection, EMPTY, async (engine) => {
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
    const { schema } = await engine.introspect({ schema: inFiles(EMPTY), baseDirectoryPath: '/', force: false, compositeTypeDepth: 0, namespaces: null })
    return schema
  } catch (error) {
    if (/** @type {{code?: unknown}} */ (error).code === INTROSPECTED_NOTHING) return inFiles(EMPTY)
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

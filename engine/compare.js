// @ts-check
/** What a database lacks of a datamodel. */
import { readFile } from 'node:fs/promises'
import { withSession } from './adapter.js'
import { differencesOf } from './differences.js'
import { statementsOf } from './parser.js'
import { newEngine } from './wasm.js'

/** Without the feature, introspecting a partial index ends in a datamodel that the engine itself refuses (P1012). */
const BASE = `datasource db {
  provider = "postgresql"
}
generator client {
  provider        = "none"
  previewFeatures = ["partialIndexes"]
}
`

/**
 * The answer to `compare`.
 * @param {{connection: import('./adapter.js').Connection, datamodel: string}} params
 */
export async function compare({ connection, datamodel }) {
  const wanted = withoutUrl(await readFile(datamodel, 'utf8'))
  const script = await withSession(connection, (factory) => scriptTo(wanted, factory))
  const statements = await statementsOf(script)
  return { ...differencesOf(statements), statements: statements.length }
}

/**
 * The engine's script from the database to a datamodel; it is read, never run.
 * @param {string} wanted
 * @param {object} factory
 */
async function scriptTo(wanted, factory) {
  const engine = await newEngine(BASE, factory)
  const base = files(BASE)
  const { schema } = await engine.introspect({ schema: base, baseDirectoryPath: '/', force: false, compositeTypeDepth: 0, namespaces: null })
  const { stdout } = await engine.diff({
    from: { tag: 'schemaDatamodel', ...schema },
    to: { tag: 'schemaDatamodel', ...files(wanted) },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  })
  return stdout ?? ''
}

/** @param {string} content */
function files(content) {
  return { files: [{ path: 'schema.prisma', content }] }
}

/**
 * This engine refuses a datasource with a URL, which LiteLLM's older engine demands.
 * @param {string} datamodel
 */
export function withoutUrl(datamodel) {
  return datamodel.replace(/^\s*url\s*=.*$/m, '')
}

// @ts-check
/**
 * Loads Prisma's schema engine. The package's own entry imports a .wasm file, which Node does only behind a flag: so its glue is loaded here and given the compiled module.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg'

/** @typedef {import('@prisma/schema-engine-wasm/schema_engine_bg').SchemaEngine} SchemaEngine */
/** @typedef {import('@prisma/driver-adapter-utils').SqlMigrationAwareDriverAdapterFactory} Factory */

let panic = ''
/** Without a registry under this name the text of a panic is lost. */
Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: (/** @type {string} */ message) => (panic = message) } })

/**
 * Compiles the engine, once for the process.
 * @returns {Promise<{version: string}>}
 */
export async function loadEngine() {
  const file = fileURLToPath(import.meta.resolve('@prisma/schema-engine-wasm/schema_engine_bg')).replace(/\.js$/, '.wasm')
  const bindings = /** @type {any} */ (glue)
  const { instance } = await WebAssembly.instantiate(await readFile(file), { './schema_engine_bg.js': bindings })
  bindings.__wbg_set_wasm(instance.exports)
  const { __wbindgen_start: start } = /** @type {{__wbindgen_start: () => void}} */ (instance.exports)
  start()
  return { version: glue.version() }
}

/**
 * An engine that speaks to one database.
 * @param {string} datamodel the schema it is started with
 * @param {object} boundFactory a driver adapter's factory, bound by driver-adapter-utils
 * @returns {Promise<SchemaEngine>}
 */
export function newEngine(datamodel, boundFactory) {
  return glue.SchemaEngine.new({ datamodels: [['schema.prisma', datamodel]] }, () => {}, boundFactory)
}

/**
 * The text of the panic that `error` stands for, or null. After a panic the engine's memory is not to be trusted.
 * @param {unknown} error
 * @returns {string | null}
 */
export function panicOf(error) {
  return error instanceof WebAssembly.RuntimeError ? panic || error.message : null
}

// @ts-check
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import { loadEngine, newEngine, panicOf } from '../wasm.js'

/** A driver for an engine that is asked nothing. */
const driver = /** @type {any} */ ({ provider: 'postgres', adapterName: 'none', getConnectionInfo: () => ({ schemaName: 'public', supportsRelationJoins: true }) })
for (const method of ['queryRaw', 'executeRaw', 'executeScript', 'startTransaction', 'dispose']) driver[method] = async () => assert.fail(method)

test('the text of a panic is kept, and other errors are none', async () => {
  await loadEngine()
  const factory = bindMigrationAwareSqlAdapterFactory({ ...driver, connect: async () => driver, connectToShadowDb: async () => driver })
  const engine = await newEngine('datasource db {\n  provider = "postgresql"\n}\n', factory)
  assert.throws(() => engine.debugPanic(), (error) => /This is the debugPanic artificial panic/.test(panicOf(error) ?? ''))
  assert.equal(panicOf(new Error('unreachable')), null)
})

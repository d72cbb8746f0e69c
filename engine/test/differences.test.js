// @ts-check
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differencesOf, rebuildsEnum } from '../differences.js'
import { statementsOf } from '../parser.js'
import { samples } from './judge.js'

/**
 * Each difference in one line.
 * @param {string} there
 * @param {string} [back]
 */
async function compared(there, back = '') {
  const { missing, extra } = differencesOf(await statementsOf(there), await statementsOf(back))
  const line = (/** @type {import('../differences.js').Difference} */ { kind, table, name }) => `${kind} ${table ?? '-'} ${name}`
  return { missing: missing.map(line), extra: extra.map(line) }
}

for (const [name, script, missing, extra] of /** @type {[string, string, string[], string[]][]} */ ([
  ['a table', 'CREATE TABLE "T" ("a" TEXT NOT NULL, CONSTRAINT "T_pkey" PRIMARY KEY ("a"))', ['table T T'], []],
  ['columns', 'ALTER TABLE "T" ADD COLUMN "a" INTEGER, ADD COLUMN "b" TEXT', ['column T a', 'column T b'], []],
  ['another type', 'ALTER TABLE "T" ALTER COLUMN "a" SET DATA TYPE BIGINT', ['columnType T a'], []],
  ['a type that does not convert', 'ALTER TABLE "T" DROP COLUMN "a", ADD COLUMN "a" INTEGER', ['columnType T a'], []],
  ['NULL where it must not be', 'ALTER TABLE "T" ALTER COLUMN "a" SET NOT NULL', ['columnNull T a'], []],
  ['NOT NULL where it may be', 'ALTER TABLE "T" ALTER COLUMN "a" DROP NOT NULL', ['columnNull T a'], []],
  ['a default', 'ALTER TABLE "T" ALTER COLUMN "a" SET DEFAULT 1', ['columnDefault T a'], []],
  ['a default too many', 'ALTER TABLE "T" ALTER COLUMN "a" DROP DEFAULT', [], ['columnDefault T a']],
  ['a primary key', 'ALTER TABLE "T" ADD CONSTRAINT "T_pkey" PRIMARY KEY ("a")', ['primaryKey T T_pkey'], []],
  ['another primary key', 'ALTER TABLE "T" DROP CONSTRAINT "T_pkey", ADD CONSTRAINT "T_pkey" PRIMARY KEY ("b")', ['primaryKey T T_pkey'], []],
  ['a foreign key', 'ALTER TABLE "T" ADD CONSTRAINT "f" FOREIGN KEY ("a") REFERENCES "U"("a")', ['foreignKey T f'], []],
  ['another foreign key', 'ALTER TABLE "T" DROP CONSTRAINT "f"; ALTER TABLE "T" ADD CONSTRAINT "f" FOREIGN KEY ("a") REFERENCES "U"("a")', ['foreignKey T f'], []],
  ['an index', 'CREATE UNIQUE INDEX "i" ON "T"("a")', ['index T i'], []],
  ['another index', 'DROP INDEX "i"; CREATE INDEX "i" ON "T"("a")', ['index T i'], []],
  ['an index by another name', 'ALTER INDEX "x" RENAME TO "i"', [], ['index - x']],
  ['a constraint by another name', 'ALTER TABLE "T" RENAME CONSTRAINT "x" TO "f"', [], ['constraint T x']],
  ['an enum', "CREATE TYPE \"E\" AS ENUM ('A')", ['enum - E'], []],
  ['a value', "ALTER TYPE \"E\" ADD VALUE 'A'", ['enumValue - E.A'], []],
  ['a sequence', 'CREATE SEQUENCE s; ALTER SEQUENCE s OWNED BY "T"."a"', ['sequence - s'], []],
  ['what is beyond', 'ALTER TABLE "T" DROP COLUMN "a"; DROP INDEX "i"; DROP TABLE "U"; DROP TYPE "E"; ALTER TABLE "T" DROP CONSTRAINT "f"', [], ['column T a', 'index - i', 'table U U', 'enum - E', 'constraint T f']],
  ['a column of another table is no replacement', 'ALTER TABLE "T" DROP COLUMN "a"; ALTER TABLE "U" ADD COLUMN "a" TEXT', ['column U a'], ['column T a']],
  ['what is not known is missing', 'CREATE EXTENSION citext; ALTER TABLE "T" SET LOGGED; ALTER TYPE "E" RENAME TO "F"; DROP VIEW "v"', ['other - CreateExtensionStmt', 'other T AT_SetLogged', 'other - OBJECT_TYPE', 'other - v'], []],
  ['nothing', '-- This is an empty migration.', [], []],
])) {
  test(name, async () => assert.deepEqual(await compared(script), { missing, extra }))
}

const REBUILT = `BEGIN;
CREATE TYPE "E_new" AS ENUM ('A', 'B');
ALTER TABLE "T" ALTER COLUMN "e" TYPE "E_new" USING ("e"::text::"E_new");
ALTER TYPE "E" RENAME TO "E_old";
ALTER TYPE "E_new" RENAME TO "E";
DROP TYPE "E_old";
COMMIT;
DROP INDEX "i"`

test('an enum with a value too many has it as an extra', async () => {
  assert.ok(rebuildsEnum(await statementsOf(REBUILT)))
  assert.deepEqual(await compared(REBUILT, "ALTER TYPE \"E\" ADD VALUE 'C'"), { missing: [], extra: ['index - i', 'enumValue - E.C'] })
})

test('an enum with another value lacks one and has one more', async () => {
  const back = REBUILT.replace("'A', 'B'", "'A', 'C'")
  assert.deepEqual(await compared(REBUILT, back), { missing: ['enumValue - E.B'], extra: ['index - i', 'enumValue - E.C'] })
})

test('a transaction that makes no enum is not known', async () => {
  assert.deepEqual(await compared('BEGIN; CREATE VIEW v AS SELECT 1; COMMIT'), { missing: ['other - ViewStmt', 'other - TransactionStmt'], extra: [] })
})

test('samples of compare have the differences of their statements', async () => {
  for (const { answer } of samples('compare.jsonl')) {
    const script = [...answer.result.missing, ...answer.result.extra].map(({ statement }) => statement).join(';\n')
    const { missing, extra } = differencesOf(await statementsOf(script), [])
    assert.deepEqual({ missing, extra }, { missing: answer.result.missing, extra: answer.result.extra })
  }
})

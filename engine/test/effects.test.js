// @ts-check
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { effects } from '../effects.js'
import { ask, run, samples } from './judge.js'

/** @typedef {import('../statements.js').Effect} Effect */

/**
 * What a script does, all statements together.
 * @param {string} sql
 * @returns {Promise<Effect[]>}
 */
async function told(sql) {
  const { scripts } = await effects({ scripts: [{ name: 's', sql }] })
  // as the asker gets it
  return JSON.parse(JSON.stringify(scripts[0]?.statements.flatMap((statement) => statement.effects)))
}

/** @type {[string, object[]][]} */
const STATEMENTS = [
  ['CREATE TABLE "A b" (id serial PRIMARY KEY, o int REFERENCES o, UNIQUE (o))', [{ act: 'CreateTable', table: 'A b' }, { act: 'AddConstraint', table: 'A b', constraint: 'foreignKey', references: 'o' }]],
  ['CREATE TABLE IF NOT EXISTS s.t (CONSTRAINT f FOREIGN KEY (a) REFERENCES "O")', [{ act: 'CreateTable', schema: 's', table: 't', ifNotExists: true }, { act: 'AddConstraint', schema: 's', table: 't', name: 'f', constraint: 'foreignKey', references: 'O', conditional: true }]],
  ['CREATE TABLE t (a int CONSTRAINT c CHECK (a > b), EXCLUDE USING gist (a WITH =, lower(b) WITH &&) WHERE (x))', [{ act: 'CreateTable', table: 't' }, { act: 'AddConstraint', table: 't', name: 'c', constraint: 'check', columns: ['a', 'b'] }, { act: 'AddConstraint', table: 't', constraint: 'exclusion', columns: ['a', 'b', 'x'] }]],
  ['CREATE TABLE t PARTITION OF p DEFAULT', [{ act: 'CreateTable', table: 't' }, { act: 'Unknown', table: 'p' }]],
  ['CREATE TABLE t AS SELECT 1', [{ act: 'CreateTable', table: 't' }]],
  ['SELECT 1 INTO t', [{ act: 'CreateTable', table: 't' }]],
  ['DROP TABLE IF EXISTS a, s."B" CASCADE', [{ act: 'DropTable', table: 'a', ifExists: true, cascade: true }, { act: 'DropTable', schema: 's', table: 'B', ifExists: true, cascade: true }]],
  ['ALTER TABLE IF EXISTS a RENAME TO "B"', [{ act: 'RenameTable', table: 'a', newName: 'B', ifExists: true }]],
  ['ALTER TABLE a RENAME x TO y', [{ act: 'RenameColumn', table: 'a', name: 'x', newName: 'y' }]],
  ['ALTER TABLE a RENAME CONSTRAINT x TO y', [{ act: 'RenameConstraint', table: 'a', name: 'x', newName: 'y' }]],
  ['ALTER INDEX IF EXISTS s.i RENAME TO j', [{ act: 'RenameIndex', schema: 's', name: 'i', newName: 'j', ifExists: true }]],
  ['ALTER TABLE a ADD x text', [{ act: 'AddColumn', table: 'a', name: 'x', type: 'text' }]],
  ["ALTER TABLE a ADD IF NOT EXISTS x jsonb NOT NULL DEFAULT '{}'", [{ act: 'AddColumn', table: 'a', name: 'x', type: 'jsonb', default: 'constant', notNull: true, ifNotExists: true }]],
  ['ALTER TABLE a ADD x timestamp(3) DEFAULT CURRENT_TIMESTAMP', [{ act: 'AddColumn', table: 'a', name: 'x', type: 'timestamp(3) without time zone', default: 'constant' }]],
  ['ALTER TABLE a ADD x timestamptz DEFAULT now()', [{ act: 'AddColumn', table: 'a', name: 'x', type: 'timestamp with time zone', default: 'constant' }]],
  ['ALTER TABLE a ADD x text[] DEFAULT ARRAY[]::text[]', [{ act: 'AddColumn', table: 'a', name: 'x', type: 'text[]', default: 'constant' }]],
  ['ALTER TABLE a ADD x text DEFAULT NULL', [{ act: 'AddColumn', table: 'a', name: 'x', type: 'text' }]],
  ['ALTER TABLE a ADD x uuid DEFAULT gen_random_uuid()', [{ act: 'AddColumn', table: 'a', name: 'x', type: 'uuid', default: 'volatile' }]],
  ['ALTER TABLE a ADD x text DEFAULT s.now()', [{ act: 'AddColumn', table: 'a', name: 'x', type: 'text', default: 'volatile' }]],
  ['ALTER TABLE a ADD x bigserial', [{ act: 'AddColumn', table: 'a', name: 'x', type: 'bigint', default: 'volatile', notNull: true }]],
  ['ALTER TABLE a ADD x int GENERATED ALWAYS AS IDENTITY', [{ act: 'AddColumn', table: 'a', name: 'x', type: 'integer', default: 'volatile', notNull: true }]],
  ['ALTER TABLE a ADD x int GENERATED ALWAYS AS (y + 1) STORED', [{ act: 'AddColumn', table: 'a', name: 'x', type: 'integer', default: 'volatile' }]],
  ['ALTER TABLE a ADD x int UNIQUE REFERENCES o CHECK (x > 0)', [{ act: 'AddColumn', table: 'a', name: 'x', type: 'integer' }, { act: 'AddConstraint', table: 'a', constraint: 'unique' }, { act: 'AddConstraint', table: 'a', constraint: 'foreignKey', references: 'o' }, { act: 'AddConstraint', table: 'a', constraint: 'check', columns: ['x'] }]],
  ['ALTER TABLE a ADD COLUMN IF NOT EXISTS x int CONSTRAINT c CHECK (x > 0)', [{ act: 'AddColumn', table: 'a', name: 'x', type: 'integer', ifNotExists: true }, { act: 'AddConstraint', table: 'a', name: 'c', constraint: 'check', columns: ['x'], conditional: true }]],
  ['ALTER TABLE a DROP IF EXISTS x, DROP y CASCADE', [{ act: 'DropColumn', table: 'a', name: 'x', ifExists: true }, { act: 'DropColumn', table: 'a', name: 'y', cascade: true }]],
  ['ALTER TABLE a ALTER x TYPE varchar(10), ALTER y TYPE int USING y::int', [{ act: 'RetypeColumn', table: 'a', name: 'x', type: 'character varying(10)' }, { act: 'RetypeColumn', table: 'a', name: 'y', type: 'integer', using: true }]],
  ['ALTER TABLE a ALTER x SET NOT NULL, ALTER y DROP NOT NULL', [{ act: 'SetNotNull', table: 'a', name: 'x' }, { act: 'DropNotNull', table: 'a', name: 'y' }]],
  ['ALTER TABLE a ALTER x SET DEFAULT random(), ALTER y DROP DEFAULT', [{ act: 'SetDefault', table: 'a', name: 'x', default: 'volatile' }, { act: 'DropDefault', table: 'a', name: 'y' }]],
  ['ALTER TABLE a ALTER x ADD GENERATED ALWAYS AS IDENTITY, ALTER y SET GENERATED ALWAYS, ALTER z DROP IDENTITY', [{ act: 'SetDefault', table: 'a', name: 'x', default: 'volatile' }, { act: 'SetDefault', table: 'a', name: 'y', default: 'volatile' }, { act: 'DropDefault', table: 'a', name: 'z' }]],
  ['ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES o NOT VALID, VALIDATE CONSTRAINT f', [{ act: 'AddConstraint', table: 'a', name: 'f', constraint: 'foreignKey', references: 'o', notValid: true }, { act: 'ValidateConstraint', table: 'a', name: 'f' }]],
  ['ALTER TABLE a ADD CONSTRAINT c CHECK (x > 0), ADD UNIQUE (x), ADD PRIMARY KEY USING INDEX i', [{ act: 'AddConstraint', table: 'a', name: 'c', constraint: 'check', columns: ['x'] }, { act: 'AddConstraint', table: 'a', constraint: 'unique' }, { act: 'AddConstraint', table: 'a', constraint: 'primaryKey', using: true }]],
  ['ALTER TABLE a ADD CONSTRAINT n NOT NULL x NOT VALID, DROP CONSTRAINT IF EXISTS c', [{ act: 'AddConstraint', table: 'a', name: 'n', constraint: 'notNull', notValid: true }, { act: 'DropConstraint', table: 'a', name: 'c', ifExists: true }]],
  ['ALTER TABLE a SET UNLOGGED', [{ act: 'Unknown', table: 'a' }]],
  ['ALTER TABLE a SET (fillfactor = 70)', []],
  ['ALTER VIEW a ALTER x SET DEFAULT 1', [{ act: 'Unknown', table: 'a' }]],
  ['CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON "T" (x)', [{ act: 'CreateIndex', table: 'T', name: 'i', columns: ['x'], concurrently: true, ifNotExists: true, constraint: 'unique' }]],
  ['CREATE INDEX i ON t (a, (b + t.c)) INCLUDE (d) WHERE e IS NULL', [{ act: 'CreateIndex', table: 't', name: 'i', columns: ['a', 'd', 'b', 'c', 'e'], where: true, expression: true }]],
  ['DROP INDEX CONCURRENTLY IF EXISTS s.i', [{ act: 'DropIndex', schema: 's', name: 'i', concurrently: true, ifExists: true }]],
  ["CREATE TYPE e AS ENUM ('a')", [{ act: 'CreateEnum', name: 'e' }]],
  ["ALTER TYPE e ADD VALUE IF NOT EXISTS 'b'", [{ act: 'AddEnumValue', name: 'e', newName: 'b', ifNotExists: true }]],
  ["ALTER TYPE e RENAME VALUE 'a' TO 'b'", [{ act: 'RenameEnumValue', name: 'e.a', newName: 'b' }]],
  ['ALTER TYPE e RENAME TO f', [{ act: 'RenameType', name: 'e', newName: 'f' }]],
  ['DROP TYPE s.e CASCADE', [{ act: 'DropType', schema: 's', name: 'e', cascade: true }]],
  ['CREATE VIEW v AS SELECT f()', [{ act: 'CreateView', name: 'v' }]],
  ['CREATE OR REPLACE VIEW v AS SELECT f()', [{ act: 'CreateView', name: 'v', replace: true }]],
  ['CREATE OR REPLACE FUNCTION s.f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$', [{ act: 'CreateFunction', schema: 's', name: 'f', replace: true }]],
  ['GRANT ALL ON a TO b', []],
  ['REVOKE SELECT ON a, s.b FROM x', [{ act: 'Revoke', table: 'a' }, { act: 'Revoke', schema: 's', table: 'b' }]],
  ['REVOKE ALL ON FUNCTION s.f(int), g FROM PUBLIC', [{ act: 'Revoke', schema: 's', name: 'f' }, { act: 'Revoke', name: 'g' }]],
  ['REVOKE ALL ON SEQUENCE s.q FROM x', [{ act: 'Revoke', schema: 's', name: 'q' }]],
  ['REVOKE ALL ON ALL TABLES IN SCHEMA s FROM x', [{ act: 'Revoke', name: 's' }]],
  ['REVOKE ALL ON TYPE s.t FROM x', [{ act: 'Revoke', schema: 's', name: 't' }]],
  ['REVOKE a FROM b', [{ act: 'Unknown' }]],
  ['BEGIN; SAVEPOINT a; RELEASE a; COMMIT', []],
  ['BEGIN; DROP TABLE a; ROLLBACK', [{ act: 'DropTable', table: 'a' }, { act: 'Unknown' }]],
  ['SAVEPOINT a; ROLLBACK TO a', [{ act: 'Unknown' }]],
  ['DO $$ BEGIN DROP TABLE a; ROLLBACK; END $$', [{ act: 'DropTable', table: 'a', text: 'DROP TABLE a' }, { act: 'Unknown' }]],
  ['DROP VIEW IF EXISTS v', [{ act: 'DropView', name: 'v', ifExists: true }]],
  ['CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ DELETE FROM a RETURNING 1 $$', [{ act: 'CreateFunction', name: 'f' }]],
  ['CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f()', [{ act: 'CreateTrigger', table: 'a', name: 't' }]],
  ['DROP TRIGGER IF EXISTS t ON s.a', [{ act: 'DropOther', schema: 's', table: 'a', name: 't', ifExists: true }]],
  ['DROP FUNCTION f(int) CASCADE', [{ act: 'DropOther', name: 'f', cascade: true }]],
  ['DROP SCHEMA s CASCADE', [{ act: 'DropSchema', name: 's', cascade: true }]],
  ['DROP OWNED BY CURRENT_USER', [{ act: 'Unknown' }]],
  ['INSERT INTO a VALUES (gen_random_uuid(), now())', [{ act: 'Insert', table: 'a' }]],
  ['INSERT INTO a VALUES (1) ON CONFLICT (x) DO UPDATE SET y = 1 WHERE a.y IS NULL', [{ act: 'Insert', table: 'a' }, { act: 'Update', table: 'a', columns: ['y'], onlyNull: true, where: true }]],
  ['UPDATE a SET x = 1', [{ act: 'Update', table: 'a', columns: ['x'] }]],
  ['UPDATE a SET x = y WHERE x IS NULL', [{ act: 'Update', table: 'a', columns: ['x'], onlyNull: true, where: true }]],
  ['UPDATE a b SET x = 1, y = 2 WHERE z AND (b.y IS NULL AND x IS NULL)', [{ act: 'Update', table: 'a', columns: ['x', 'y'], onlyNull: true, where: true }]],
  ['UPDATE a SET (x, y) = (1, 2) WHERE x IS NULL', [{ act: 'Update', table: 'a', columns: ['x', 'y'], where: true }]],
  ['UPDATE a SET x = 1 WHERE x IS NULL OR z', [{ act: 'Update', table: 'a', columns: ['x'], where: true }]],
  ['UPDATE a SET x = b.x FROM b WHERE b.x IS NULL', [{ act: 'Update', table: 'a', columns: ['x'], where: true }]],
  ['UPDATE a AS b SET x = 1 FROM c AS a WHERE a.x IS NULL', [{ act: 'Update', table: 'a', columns: ['x'], where: true }]],
  ['DELETE FROM a', [{ act: 'Delete', table: 'a' }]],
  ['CREATE TABLE b AS WITH gone AS (DELETE FROM a RETURNING *) SELECT * FROM gone', [{ act: 'Delete', table: 'a' }, { act: 'CreateTable', table: 'b' }]],
  ['CREATE TABLE b AS EXECUTE p', [{ act: 'Unknown' }, { act: 'CreateTable', table: 'b' }]],
  ['WITH gone AS (DELETE FROM a WHERE x RETURNING *) INSERT INTO b SELECT * FROM gone', [{ act: 'Delete', table: 'a', where: true }, { act: 'Insert', table: 'b' }]],
  ['MERGE INTO a USING b ON true WHEN NOT MATCHED THEN INSERT (x) VALUES (1)', [{ act: 'Insert', table: 'a' }]],
  ['MERGE INTO a USING b ON true WHEN MATCHED AND x THEN DELETE WHEN MATCHED THEN UPDATE SET y = 1 WHEN NOT MATCHED THEN DO NOTHING', [{ act: 'Delete', table: 'a', where: true }, { act: 'Update', table: 'a', columns: ['y'], where: true }]],
  ['TRUNCATE a, s.b CASCADE', [{ act: 'Truncate', table: 'a', cascade: true }, { act: 'Truncate', schema: 's', table: 'b', cascade: true }]],
  ["SET LOCAL lock_timeout = '1s'", [{ act: 'Set', name: 'lock_timeout' }]],
  ["SELECT set_config('search_path', 'x', false)", [{ act: 'Set', name: 'search_path' }]],
  ['SELECT count(*) FROM a', []],
  ['SELECT drop_everything()', [{ act: 'Unknown', name: 'drop_everything' }]],
  ['UPDATE a SET x = s.lower(x) WHERE x IS NULL', [{ act: 'Unknown', name: 's.lower' }, { act: 'Update', table: 'a', columns: ['x'], onlyNull: true, where: true }]],
  ['CALL p()', [{ act: 'Unknown' }]],
  ["COMMENT ON TABLE a IS 'x'; BEGIN; CREATE SEQUENCE s; CREATE EXTENSION e; COMMIT", []],
]

for (const [sql, wanted] of STATEMENTS) {
  test(sql, async () => assert.deepEqual(sortFacts(await told(sql)), sortFacts(wanted)))
}

/** Facts have no order, effects have. @param {object[]} found */
function sortFacts(found) {
  return found.map((effect) => Object.fromEntries(Object.entries(effect).sort()))
}

/** @type {[string, string, object[]][]} what a block is, its body, and its effects without their texts */
const BLOCKS = [
  ['a plain block runs', 'BEGIN DROP TABLE a; END', [{ act: 'DropTable', table: 'a' }]],
  ['what depends on a condition may not run', 'BEGIN IF x() IS NULL THEN DROP TABLE a; ELSIF true THEN TRUNCATE b; ELSE DELETE FROM c; END IF; TRUNCATE d; END', [{ act: 'Unknown', name: 'x' }, { act: 'DropTable', table: 'a', conditional: true }, { act: 'Truncate', table: 'b', conditional: true }, { act: 'Delete', table: 'c', conditional: true }, { act: 'Truncate', table: 'd' }]],
  ['CASE', 'BEGIN CASE WHEN true THEN TRUNCATE a; ELSE TRUNCATE b; END CASE; END', [{ act: 'Truncate', table: 'a', conditional: true }, { act: 'Truncate', table: 'b', conditional: true }]],
  ['an error that is caught takes back what was done', 'BEGIN TRUNCATE a; EXCEPTION WHEN duplicate_object THEN NULL; WHEN others THEN TRUNCATE b; END', [{ act: 'Truncate', table: 'a', conditional: true }, { act: 'Truncate', table: 'b', conditional: true }]],
  ['after a RETURN that may come, nothing is sure', 'BEGIN IF true THEN RETURN; END IF; TRUNCATE a; END', [{ act: 'Truncate', table: 'a', conditional: true }]],
  ['loops', 'DECLARE r record; BEGIN FOR r IN DELETE FROM a RETURNING * LOOP TRUNCATE b; END LOOP; WHILE true LOOP TRUNCATE c; END LOOP; END', [{ act: 'Truncate', table: 'b', conditional: true }, { act: 'Delete', table: 'a' }, { act: 'Truncate', table: 'c', conditional: true }]],
  ['a cursor', 'DECLARE c CURSOR FOR DELETE FROM a RETURNING *; BEGIN OPEN c; END', [{ act: 'Delete', table: 'a' }]],
  ['EXECUTE of a constant is read', "BEGIN EXECUTE 'DROP TABLE ' || '\"A\"'; END", [{ act: 'DropTable', table: 'A' }]],
  ['EXECUTE of what is made at run time cannot be told', "DECLARE t text := 'a'; BEGIN EXECUTE 'DROP TABLE ' || t; END", [{ act: 'Unknown' }]],
  ['EXECUTE format() cannot be told', "BEGIN EXECUTE format('DROP TABLE %I', 'a'); END", [{ act: 'Unknown' }]],
  ['FOR IN EXECUTE', "DECLARE r record; BEGIN FOR r IN EXECUTE 'DELETE FROM a RETURNING *' LOOP NULL; END LOOP; END", [{ act: 'Delete', table: 'a' }]],
  ['OPEN FOR EXECUTE', "DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE 'DELETE FROM a RETURNING *'; END", [{ act: 'Delete', table: 'a' }]],
  ['a constant EXECUTE that does not parse cannot be told', "BEGIN EXECUTE 'DROP TABEL a'; END", [{ act: 'Unknown' }]],
  ['PERFORM and an assignment call functions', "DECLARE n int := f(); BEGIN PERFORM g(); n := h(); n = (SELECT count(*) FROM a); END", [{ act: 'Unknown', name: 'f' }, { act: 'Unknown', name: 'g' }, { act: 'Unknown', name: 'h' }]],
  ['a block in a block', "BEGIN BEGIN EXECUTE 'DO $b$ BEGIN TRUNCATE a; END $b$'; END; END", [{ act: 'Truncate', table: 'a' }]],
  ['a block that the compiler refuses cannot be told', 'BEGIN no_such_variable := 1; TRUNCATE a; END', [{ act: 'Unknown' }]],
]

for (const [name, body, wanted] of BLOCKS) {
  test(`DO: ${name}`, async () => {
    const found = await told(`DO $$ ${body} $$`)
    assert.deepEqual(sortFacts(found.map(({ text, ...effect }) => effect)), sortFacts(wanted))
  })
}

test('a block of another language cannot be told', async () => {
  assert.deepEqual(await told("DO LANGUAGE plpython3u 'BEGIN TRUNCATE a; END'"), [{ act: 'Unknown' }])
  assert.deepEqual(await told("DO LANGUAGE plpgsql 'BEGIN TRUNCATE a; END'"), [{ act: 'Truncate', table: 'a', text: 'TRUNCATE a' }])
})

test('the statement inside a block is told', async () => {
  const found = await told("DO $$ BEGIN ALTER TABLE a DROP x, DROP y; EXECUTE 'TRUNCATE ' || b(); EXECUTE ';;TRUNCATE c;'; END $$")
  assert.deepEqual(found.map(({ text }) => text), ['ALTER TABLE a DROP x, DROP y', 'ALTER TABLE a DROP x, DROP y', "EXECUTE 'TRUNCATE ' || b()", 'TRUNCATE c'])
})

for (const [spelled, type] of /** @type {[string, string?][]} */ ([
  ['int8', 'bigint'],
  ['pg_catalog.int4', 'integer'],
  ['double precision', 'double precision'],
  ['numeric(10, 0)', 'numeric(10,0)'],
  ['char', 'character(1)'],
  ['bpchar', 'bpchar'],
  ['"char"', '"char"'],
  ['bit varying(3)', 'bit varying(3)'],
  ['timestamp(0) with time zone', 'timestamp(0) with time zone'],
  ['time', 'time without time zone'],
  ['varchar(3)[][]', 'character varying(3)[]'],
  ['"My Type"', '"My Type"'],
  ['s."T"[]', 's."T"[]'],
  ['interval', 'interval'],
  ['interval day to second(3)'],
  ['geometry(Point, 4326)'],
])) {
  test(`the type ${spelled} is spelled ${type}`, async () => {
    const [effect] = await told(`ALTER TABLE a ALTER x TYPE ${spelled}`)
    assert.equal(effect?.type, type)
  })
}

test('samples are answered as written', async () => {
  const pairs = samples('effects.jsonl')
  const { answers } = await run(pairs.map(({ request }) => JSON.stringify(request)))
  assert.deepEqual(answers, pairs.map(({ answer }) => answer))
})

test('without scripts there is nothing to ask', async () => {
  const { error } = await ask('effects', {})
  assert.equal(error.message, 'cannot effects: parameter scripts is missing')
})

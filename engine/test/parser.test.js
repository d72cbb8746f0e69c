// @ts-check
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from '../parser.js'

for (const [name, sql, texts] of /** @type {[string, string, string[]][]} */ ([
  ['comments around statements are outside', '/* a /* nested */ b */ -- c\n SELECT 1 ;\n-- d', ['SELECT 1']],
  ['empty statements are none', ';;\n; SELECT 1;;', ['SELECT 1']],
  ['semicolons in bodies and strings end nothing', "DO $$ BEGIN PERFORM 1; END $$; SELECT ';'", ['DO $$ BEGIN PERFORM 1; END $$', "SELECT ';'"]],
  ['an unclosed last statement counts', 'SELECT 1;\n\tSELECT 2\n', ['SELECT 1', 'SELECT 2']],
  ['a comment that looks like the end of one', "SELECT '/*'; SELECT 2 -- */", ["SELECT '/*'", 'SELECT 2 -- */']],
])) {
  test(name, async () => {
    const { statements } = await parse({ sql })
    assert.deepEqual(statements.map(({ text }) => text), texts)
  })
}

test('offsets count characters, whatever they take in UTF-8 or UTF-16', async () => {
  const sql = "-- é𝄞\nSELECT '𝄞é'; SELECT '漢';\n"
  const { statements } = await parse({ sql })
  const characters = [...sql]
  assert.equal(statements.length, 2)
  for (const { start, end, text } of statements) assert.equal(characters.slice(start, end).join(''), text)
})

test('transaction control is told apart', async () => {
  const { statements } = await parse({ sql: 'BEGIN; SAVEPOINT a; COMMIT; END; ROLLBACK; SET LOCAL lock_timeout = 1; DO $$ BEGIN COMMIT; END $$' })
  const kinds = statements.map(({ kind }) => kind)
  assert.deepEqual(kinds, [...Array(5).fill('TransactionStmt'), 'VariableSetStmt', 'DoStmt'])
})

test('the position of a syntax error is that of the server', async () => {
  await assert.rejects(parse({ sql: "SELECT '𝄞é'; SELEC 1" }), { sqlstate: '42601', position: 14, message: 'syntax error at or near "SELEC"' })
})

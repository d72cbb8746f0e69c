// @ts-check
/**
 * What the statements of scripts do to a database, told by PostgreSQL's own grammar. Facts only: which of them lose, break or block something is the migrator's to say.
 */
import { effectsOfBlock } from './blocks.js'
import { JudgeError } from './errors.js'
import { statementsOf } from './parser.js'
import { effectsOfStatement, unknown } from './statements.js'

/** @typedef {import('./statements.js').Effect} Effect */
/** @typedef {import('./parser.js').ParsedStatement} ParsedStatement */
/** @typedef {{name: string, sql: string}} Script */
/** @typedef {{kind: string, start: number, end: number, text: string, effects: Effect[]}} StatementEffects */

/**
 * The answer to `effects`.
 * @param {{scripts: Script[]}} params
 * @returns {Promise<{scripts: {name: string, statements: StatementEffects[]}[]}>}
 * @throws {JudgeError} for the first script that does not parse, with its name and the position in it
 */
export async function effects({ scripts }) {
  const answered = []
  for (const script of scripts) answered.push({ name: script.name, statements: await readScript(script) })
  return { scripts: answered }
}

/**
 * @param {Script} script
 * @returns {Promise<StatementEffects[]>}
 */
async function readScript({ name, sql }) {
  const statements = await statementsOf(sql).catch((error) => {
    throw error instanceof JudgeError ? error.inScript(name) : error
  })
  return Promise.all(
    statements.map(async (statement) => {
      const { kind, start, end, text } = statement
      return { kind, start, end, text, effects: await effectsOf(statement) }
    }),
  )
}

/**
 * @param {ParsedStatement} statement
 * @returns {Promise<Effect[]>}
 */
async function effectsOf(statement) {
  return statement.kind === 'DoStmt' ? effectsOfBlock(statement, readNested) : effectsOfStatement(statement)
}

/**
 * SQL that stands within a block. The server reads it only when it comes to it, so that an error in it is no error of the script.
 * @param {string} sql
 * @returns {Promise<Effect[]>}
 */
async function readNested(sql) {
  try {
    const nested = (await statementsOf(sql)).map(async (statement) => {
      const found = await effectsOf(statement)
      return found.map((effect) => ({ text: statement.text, ...effect }))
    })
    return (await Promise.all(nested)).flat()
  } catch (error) {
    if (error instanceof JudgeError) return [{ ...unknown(), text: sql }]
    throw error
  }
}

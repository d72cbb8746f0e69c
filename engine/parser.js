// @ts-check
/**
 * PostgreSQL's own parser. It counts bytes of UTF-8; the server's error positions and Python's strings count characters, and so does what leaves this module.
 */
import { hasSqlDetails, parse as parseTree, parsePlPgSQL } from 'libpg-query'
import { JudgeError } from './errors.js'

/** @typedef {{kind: string, start: number, end: number, text: string}} Statement */
/** @typedef {Statement & {node: any}} ParsedStatement a statement with its tree */

const SYNTAX_ERROR = '42601'

/**
 * The statements of a script. Since PostgreSQL 18 the parser begins a statement behind the blanks and comments before it.
 * @param {string} sql
 * @returns {Promise<ParsedStatement[]>}
 * @throws {JudgeError} with the position, where it does not parse
 */
export async function statementsOf(sql) {
  if (sql === '') return [] // the package refuses it
  const bytes = Buffer.from(sql)
  const { stmts = [] } = await parseTree(sql).catch((error) => {
    throw syntaxError(error, bytes)
  })
  const counted = countCharacters(bytes)
  return stmts.map(({ stmt, stmt_location: location = 0, stmt_len: length }) => {
    const [kind = '', node] = Object.entries(stmt ?? {})[0] ?? []
    const text = bytes.toString('utf8', location, length ? location + length : undefined).trimEnd()
    const start = counted(location)
    return { kind, start, end: start + lengthOf(text), text, node }
  })
}

/**
 * The answer to `parse`.
 * @param {{sql: string}} params
 * @returns {Promise<{statements: Statement[]}>}
 */
export async function parse({ sql }) {
  const statements = await statementsOf(sql)
  return { statements: statements.map(({ kind, start, end, text }) => ({ kind, start, end, text })) }
}

/**
 * A DO block as PL/pgSQL's compiler takes it apart; null where it refuses to, as it does where names are left to the server.
 * @param {string} sql the whole DO statement
 * @returns {Promise<any>}
 */
export async function parseBlock(sql) {
  try {
    const { plpgsql_funcs: functions } = /** @type {any} */ (await parsePlPgSQL(sql))
    return functions.length === 1 ? functions[0].PLpgSQL_function : null
  } catch {
    return null
  }
}

/**
 * The tree of an expression; null where it does not parse.
 * @param {string} sql
 * @returns {Promise<any>}
 */
export async function expressionOf(sql) {
  try {
    const [statement, ...more] = /** @type {any[]} */ ((await parseTree(`SELECT ${sql}`)).stmts)
    const { targetList = [], ...rest } = statement.stmt.SelectStmt
    return more.length === 0 && targetList.length === 1 && !rest.fromClause ? targetList[0].ResTarget.val : null
  } catch {
    return null
  }
}

/**
 * Characters before a byte. Calls must come with rising offsets: so a script is counted once, not once a statement.
 * @param {Buffer} bytes
 */
function countCharacters(bytes) {
  let [offset, count] = [0, 0]
  return (/** @type {number} */ until) => {
    count += lengthOf(bytes.toString('utf8', offset, until))
    offset = until
    return count
  }
}

/** Characters, not UTF-16 units. @param {string} text */
function lengthOf(text) {
  return [...text].length
}

/**
 * @param {unknown} error
 * @param {Buffer} bytes
 */
function syntaxError(error, bytes) {
  if (!hasSqlDetails(error)) return error
  return new JudgeError(error.message, { sqlstate: SYNTAX_ERROR, position: (error.sqlDetails?.cursorPosition ?? 0) + 1, cause: error })
}

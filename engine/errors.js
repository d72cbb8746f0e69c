// @ts-check
/**
 * What goes wrong while answering, in the words of docs/spec/judge-protocol.md. Every module throws these; main.js writes them out.
 */

/** An error the asker is told. @property names as in the protocol. */
export class JudgeError extends Error {
  /**
   * @param {string} message one sentence, without secrets and without row values
   * @param {{code?: string | null, sqlstate?: string | null, position?: number | null, script?: string, cause?: unknown}} [facts]
   */
  constructor(message, { code = null, sqlstate = null, position = null, script, cause } = {}) {
    super(message, { cause })
    this.code = code
    this.sqlstate = sqlstate
    this.position = position
    this.script = script
  }

  /** The same error, told of one script among several. @param {string} script */
  inScript(script) {
    const { message, code, sqlstate, position, cause } = this
    return new JudgeError(message, { code, sqlstate, position, script, cause })
  }
}

/** https://www.prisma.io/docs/orm/reference/error-reference#common */
const CODE_OF_SQLSTATE = /** @type {Record<string, string>} */ ({
  '28P01': 'P1000',
  '28000': 'P1010',
  '42501': 'P1010',
  '3D000': 'P1003',
  '57014': 'P1008',
  '57P01': 'P1017',
  '53300': 'P2037',
})

/** What Node calls a server that is not there. */
const NOT_REACHABLE = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EACCES', 'EPERM'])

/**
 * An error of the driver, told with Prisma's code and PostgreSQL's SQLSTATE. Only the server's primary message is passed on: its DETAIL and HINT can hold row values.
 * @param {unknown} error what `pg` threw
 * @returns {JudgeError}
 */
export function fromDriver(error) {
  if (error instanceof JudgeError) return error
  const { message, code, severity } = /** @type {{message: string, code?: string, severity?: string}} */ (withoutAggregate(error))
  if (severity) return new JudgeError(message, { sqlstate: code, code: CODE_OF_SQLSTATE[code ?? ''] ?? null, cause: error })
  return new JudgeError(message, { code: codeOfTransport(message, code), cause: error })
}

/** Node tries each address of a name and throws the failures together. @param {unknown} error */
function withoutAggregate(error) {
  return error instanceof AggregateError ? error.errors[0] : error
}

/**
 * @param {string} message
 * @param {string | undefined} code
 */
function codeOfTransport(message, code) {
  if (NOT_REACHABLE.has(code ?? '') || message === 'timeout expired') return 'P1001'
  if (/SSL|TLS|certificate|CERT/i.test(`${code} ${message}`)) return 'P1011'
  return 'P1017'
}

/**
 * An error of Prisma's engine, or of reading a file: its first line, the rest is a trace.
 * @param {unknown} error
 * @returns {JudgeError}
 */
export function fromEngine(error) {
  const { message, code } = /** @type {{message: string, code?: unknown}} */ (error)
  const prisma = typeof code === 'string' && /^P\d{4}$/.test(code) ? code : null
  return new JudgeError(String(message).split('\n   0:')[0] ?? '', { code: prisma, cause: error })
}

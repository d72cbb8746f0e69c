// @ts-check
/**
 * The judge's process: a request a line in, an answer a line out, as docs/spec/judge-protocol.md has it. It ends with its input.
 */
import { createInterface } from 'node:readline'
import { compare } from './compare.js'
import { diagnose } from './diagnose.js'
import { effects } from './effects.js'
import { fromEngine, JudgeError } from './errors.js'
import { parse } from './parser.js'
import { loadEngine, panicOf } from './wasm.js'

const PROTOCOL = 1
const EXIT_PANIC = 70

/** Begun before the first request comes; a failure is told to whoever asks. */
const loading = loadEngine()
loading.catch(() => {})

/** A panic while the engine waits for the server is thrown to nobody, and its question would never be answered. */
const crash = new Promise((_, reject) => process.once('uncaughtException', reject))
crash.catch(() => {})
let crashed = false

/** @type {Record<string, {needs: string[], answer: (params: any) => Promise<object>}>} */
const METHODS = {
  hello: { needs: [], answer: hello },
  diagnose: { needs: ['connection', 'migrations'], answer: diagnose },
  compare: { needs: ['connection', 'datamodel'], answer: compare },
  effects: { needs: ['scripts'], answer: effects },
  parse: { needs: ['sql'], answer: parse },
}

async function hello() {
  await parse({ sql: 'SELECT 1' }) // the parser is compiled by its first use
  return { protocol: PROTOCOL, engine: (await loading).version, node: process.versions.node }
}

/** @param {string} line */
async function handle(line) {
  /** @type {string | number | null} */
  let id = null
  try {
    const request = readRequest(line)
    id = request.id ?? null
    return { id, result: await Promise.race([answer(request), crash]) }
  } catch (error) {
    crashed = panicOf(error) !== null
    const { code, sqlstate, message, position, script } = told(error)
    return { id, error: { code, sqlstate, message, position, script } }
  }
}

/** @param {{method: string, params?: any}} request */
async function answer({ method, params = {} }) {
  const known = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined
  if (!known) throw new JudgeError(`cannot answer: no method ${JSON.stringify(method)}`)
  const absent = known.needs.find((name) => params?.[name] === undefined)
  if (absent) throw new JudgeError(`cannot ${method}: parameter ${absent} is missing`)
  await loading
  return known.answer(params)
}

/**
 * The line is never repeated: it may hold a password.
 * @param {string} line
 */
function readRequest(line) {
  try {
    const request = JSON.parse(line)
    if (request instanceof Object) return request
  } catch {}
  throw new JudgeError('cannot read a request: the line is not a JSON object')
}

/** @param {unknown} error */
function told(error) {
  const panic = panicOf(error)
  if (panic) return new JudgeError(`the engine panicked: ${panic}`)
  return error instanceof JudgeError ? error : fromEngine(error)
}

for await (const line of createInterface({ input: process.stdin })) {
  const answered = JSON.stringify(await handle(line)) + '\n'
  await new Promise((written) => process.stdout.write(answered, written))
  if (crashed) process.exit(EXIT_PANIC) // its memory is not to be trusted, and its session would hold the process
}

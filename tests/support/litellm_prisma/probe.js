/** What a pod can do by Prisma's adapter, of which the operator's image has a copy. Prints one line of JSON. */
import { createRequire } from 'node:module'
import { read } from './connection.js'

const { PrismaPg } = createRequire(`${process.cwd()}/prisma-cli/`)('@prisma/adapter-pg')
const text = { scalarType: 'string', arity: 'scalar' }
const { pool, schema } = read(process.env.DATABASE_URL)
const session = 'SELECT current_user::text, current_schema()::text, (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())'
const written = `INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, created_by, updated_by) VALUES ($1, 12.5, '', '')`
const budget = { args: [`prisma-${process.env.HOSTNAME}`], argTypes: [text] }

async function work() {
  const adapter = await new PrismaPg(pool, { schema }).connect()
  try {
    const { rows } = await adapter.queryRaw({ sql: session, args: [], argTypes: [] })
    const inserted = await adapter.executeRaw({ sql: written, ...budget })
    const found = await adapter.queryRaw({ sql: 'SELECT max_budget FROM "LiteLLM_BudgetTable" WHERE budget_id = $1', ...budget })
    const deleted = await adapter.executeRaw({ sql: 'DELETE FROM "LiteLLM_BudgetTable" WHERE budget_id = $1', ...budget })
    return { session: rows[0], schema: adapter.getConnectionInfo().schemaName, rows: [inserted, Number(found.rows[0][0]), deleted] }
  } finally {
    await adapter.dispose()
  }
}

const told = await work().catch((error) => ({ failed: error.cause?.reason ?? error.cause?.kind ?? error.message }))
process.stdout.write(`${JSON.stringify(told)}\n`)

/** What a proxy does with its database, by Prisma's own client and adapter: the environment says where, the first argument which client. Prints one line of JSON. */
import { createRequire } from 'node:module'
import { PrismaPg } from '@prisma/adapter-pg'
import { read } from './connection.js'

const { PrismaClient } = createRequire(import.meta.url)(process.argv[2])
const { pool, schema } = read(process.env.DATABASE_URL)
const prisma = new PrismaClient({ adapter: new PrismaPg(pool, { schema }), errorFormat: 'minimal' })

/** A row that is written, read, changed, found in a list and taken away again. */
async function writeAndRead() {
  const budget_id = `b-${process.pid}-${Date.now()}`
  const who = { created_by: 'proxy', updated_by: 'proxy' }
  await prisma.liteLLM_BudgetTable.create({ data: { budget_id, max_budget: 12.5, ...who } })
  await prisma.liteLLM_BudgetTable.update({ where: { budget_id }, data: { max_budget: { increment: 1 } } })
  const found = await prisma.liteLLM_BudgetTable.findUnique({ where: { budget_id }, include: { keys: true } })
  await prisma.$transaction([prisma.liteLLM_BudgetTable.delete({ where: { budget_id } })])
  return { max_budget: found.max_budget, keys: found.keys, left: await prisma.liteLLM_BudgetTable.count() }
}

const session = 'SELECT current_user::text AS login, current_schema()::text AS schema, (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls'
try {
  const [where] = await prisma.$queryRawUnsafe(session)
  const seen = { ...where, ...(await writeAndRead()), views: await prisma.$queryRawUnsafe('SELECT count(*)::int AS n FROM "MonthlyGlobalSpend"') }
  process.stdout.write(`${JSON.stringify(seen)}\n`)
} catch (error) {
  process.stdout.write(`${JSON.stringify({ failed: error.cause ?? error.meta?.driverAdapterError?.cause ?? error.message.slice(-300) })}\n`)
  process.exitCode = 1
} finally {
  await prisma.$disconnect()
}

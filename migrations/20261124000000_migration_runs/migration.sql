-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "litellm_operator";

-- CreateTable
CREATE TABLE "litellm_operator"."migration_runs" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "job" TEXT NOT NULL,
    "bundle" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "ledger_before" TEXT NOT NULL,
    "ledger_after" TEXT,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),
    "outcome" TEXT NOT NULL,
    "applied" INTEGER NOT NULL DEFAULT 0,
    "total" INTEGER NOT NULL,
    "verified" BOOLEAN NOT NULL DEFAULT false,
    "operator_version" TEXT NOT NULL,
    "failure" JSONB,

    CONSTRAINT "migration_runs_pkey" PRIMARY KEY ("id")
);

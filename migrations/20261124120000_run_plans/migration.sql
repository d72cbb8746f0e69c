-- AlterTable
ALTER TABLE "litellm_operator"."migration_runs"
    ADD COLUMN "mode" TEXT NOT NULL DEFAULT 'Migrate',
    ADD COLUMN "engine" TEXT NOT NULL DEFAULT 'Direct',
    ADD COLUMN "state_before" TEXT,
    ADD COLUMN "policy" TEXT,
    ADD COLUMN "plan_digest" TEXT,
    ADD COLUMN "plan" JSONB,
    ADD COLUMN "approved_plan" TEXT,
    ADD COLUMN "pending" TEXT[],
    ADD COLUMN "breaks" BOOLEAN,
    ADD COLUMN "missing" TEXT[];

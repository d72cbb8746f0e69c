"""What a LiteLLM proxy asks of its database, in the form that reaches the server, and rows for it to find.

Prisma names every column that its generated client knows, with schema and table, and closes each condition with
`1=1`; the key lookup is LiteLLM's own text, and begins with `v.*`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg
from psycopg import sql

KEYS: Final = 1_000
TEAMS: Final = 50
USERS: Final = 200
_MODELS: Final = 8

_COLUMNS: Final = """
    SELECT attname FROM pg_catalog.pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_KEY_LOOKUP: Final = """
    SELECT v.*, t.spend AS team_spend, t.max_budget AS team_max_budget, t.tpm_limit AS team_tpm_limit,
           t.rpm_limit AS team_rpm_limit, t.models AS team_models, t.metadata AS team_metadata,
           t.blocked AS team_blocked, t.team_alias, t.members_with_roles AS team_members_with_roles,
           t.organization_id AS org_id, tm.spend AS team_member_spend, m.aliases AS team_model_aliases,
           b.max_budget AS budget_max, b.tpm_limit AS budget_tpm, b.rpm_limit AS budget_rpm,
           o.metadata AS organization_metadata, ob.max_budget AS organization_max_budget
    FROM "LiteLLM_VerificationToken" v
    LEFT JOIN "LiteLLM_TeamTable" t ON v.team_id = t.team_id
    LEFT JOIN "LiteLLM_TeamMembership" tm ON v.team_id = tm.team_id AND tm.user_id = v.user_id
    LEFT JOIN "LiteLLM_ModelTable" m ON t.model_id = m.id
    LEFT JOIN "LiteLLM_BudgetTable" b ON v.budget_id = b.budget_id
    LEFT JOIN "LiteLLM_OrganizationTable" o ON v.organization_id = o.organization_id
    LEFT JOIN "LiteLLM_BudgetTable" ob ON o.budget_id = ob.budget_id
    WHERE v.token = %s
"""
_DAILY_KEY: Final = (
    "user_id",
    "date",
    "api_key",
    "model",
    "custom_llm_provider",
    "mcp_namespaced_tool_name",
    "endpoint",
)
_DAILY_COUNTS: Final = ("prompt_tokens", "completion_tokens", "spend", "api_requests", "successful_requests")
_LOG: Final = (
    *("request_id", "call_type", "api_key", "spend", "total_tokens", "prompt_tokens", "completion_tokens"),
    *("startTime", "endTime", "completionStartTime", "model", "model_group", "custom_llm_provider", "user"),
    *("metadata", "cache_hit", "request_tags", "team_id", "end_user", "session_id", "status", "messages", "response"),
)

_FILL: Final[tuple[LiteralString, ...]] = (
    """INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, created_by, updated_by)
       SELECT 'budget-' || i, 100, 'admin', 'admin' FROM generate_series(0, 9) i""",
    """INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, created_by, updated_by)
       SELECT 'org-' || i, 'Organization ' || i, 'budget-' || i, 'admin', 'admin' FROM generate_series(0, 4) i""",
    """INSERT INTO "LiteLLM_TeamTable" (team_id, team_alias, organization_id, members, models, members_with_roles)
       SELECT 'team-' || i, 'Team ' || i, 'org-' || i %% 5, ARRAY['user-' || i], ARRAY['all-proxy-models'],
              jsonb_build_array(jsonb_build_object('role', 'admin', 'user_id', 'user-' || i))
       FROM generate_series(0, %(teams)s - 1) i""",
    """INSERT INTO "LiteLLM_UserTable" (user_id, user_email, user_role, teams, models)
       SELECT 'user-' || i, 'user-' || i || '@example.com', 'internal_user', ARRAY['team-' || i %% %(teams)s], '{}'
       FROM generate_series(0, %(users)s - 1) i""",
    """INSERT INTO "LiteLLM_TeamMembership" (user_id, team_id, budget_id)
       SELECT 'user-' || i, 'team-' || i %% %(teams)s, 'budget-' || i %% 10 FROM generate_series(0, %(users)s - 1) i""",
    """INSERT INTO "LiteLLM_VerificationToken" (token, key_name, models, user_id, team_id, budget_id, organization_id)
       SELECT 'key-' || i, 'sk-…' || i, '{}', 'user-' || i %% %(users)s, 'team-' || i %% %(users)s %% %(teams)s,
              'budget-' || i %% 10, 'org-' || i %% 5 FROM generate_series(0, %(keys)s - 1) i""",
    """INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, api_key, spend, total_tokens, prompt_tokens,
              completion_tokens, "startTime", "endTime", model, model_group, custom_llm_provider, "user", metadata,
              cache_hit, request_tags, team_id, end_user, session_id, status)
       SELECT 'old-' || i, 'acompletion', 'key-' || i %% %(keys)s, 0.001, 300, 200, 100,
              now() - i * interval '10 seconds', now() - i * interval '10 seconds' + interval '2 seconds',
              'model-' || i %% %(models)s, 'group', 'openai', 'user-' || i %% %(users)s,
              jsonb_build_object('user_api_key_alias', 'alias ' || i, 'status', 'success', 'note', repeat('x', 200)),
              'False', '["production"]', 'team-' || i %% %(users)s %% %(teams)s, 'customer-' || i %% 500,
              'session-' || i / 10, 'success' FROM generate_series(1, %(logs)s) i""",
    """INSERT INTO "LiteLLM_DailyUserSpend" (id, user_id, date, api_key, model, custom_llm_provider, endpoint,
              mcp_namespaced_tool_name, spend, api_requests, updated_at)
       SELECT 'day-' || i, 'user-' || i %% %(users)s, (current_date - i / %(keys)s)::text, 'key-' || i %% %(keys)s,
              'model-0', 'openai', '/chat/completions', '', 0.5, 100, now()
       FROM generate_series(%(keys)s, %(logs)s / 10 + %(keys)s) i""",
)


def fill(session: psycopg.Connection, *, logs: int) -> None:
    """Give a database the rows of an installation that has been in use, `logs` of them in the spend log."""
    counts = {"keys": KEYS, "teams": TEAMS, "users": USERS, "models": _MODELS, "logs": logs}
    for statement in _FILL:
        session.execute(statement, counts)
    session.execute("ANALYZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """The statements of one LiteLLM release, whose client knows the columns that there were when it was built."""

    key_lookup: sql.SQL
    user: sql.Composed
    team: sql.Composed
    spend_report: sql.SQL
    spend_logs: sql.Composed
    daily_upsert: sql.Composed
    key_spend: sql.Composed
    team_spend: sql.Composed

    @staticmethod
    def of(session: psycopg.Connection, *, schema: str = "public") -> Statements:
        """Build them from the columns that the database has now."""
        tables = _Tables(session, schema)
        return Statements(
            key_lookup=sql.SQL(_KEY_LOOKUP),
            user=tables.find_unique("LiteLLM_UserTable", "user_id"),
            team=tables.find_unique("LiteLLM_TeamTable", "team_id"),
            spend_report=sql.SQL('SELECT * FROM "MonthlyGlobalSpend" ORDER BY "date"'),
            spend_logs=tables.create("LiteLLM_SpendLogs", _LOG),
            daily_upsert=tables.upsert("LiteLLM_DailyUserSpend", ("id", *_DAILY_KEY, "updated_at"), _DAILY_COUNTS),
            key_spend=tables.increment("LiteLLM_VerificationToken", "token"),
            team_spend=tables.increment("LiteLLM_TeamTable", "team_id"),
        )


@dataclass(frozen=True, slots=True)
class _Tables:
    session: psycopg.Connection
    schema: str

    def find_unique(self, table: str, key: str) -> sql.Composed:
        query = "SELECT {columns} FROM {table} WHERE ({key} = %s AND 1=1) LIMIT %s OFFSET %s"
        return sql.SQL(query).format(
            columns=self._columns(table), table=sql.Identifier(self.schema, table), key=self._full(table, key)
        )

    def create(self, table: str, columns: Sequence[str]) -> sql.Composed:
        query = "INSERT INTO {table} ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING"
        return sql.SQL(query).format(
            table=sql.Identifier(self.schema, table), columns=_names(columns), values=_places(columns)
        )

    def upsert(self, table: str, columns: Sequence[str], counts: Sequence[str]) -> sql.Composed:
        query = """INSERT INTO {table} ({columns}) VALUES ({values}) ON CONFLICT ({key}) DO UPDATE SET {added}
                   WHERE 1=1 RETURNING {all}"""
        added = [
            sql.SQL("{} = {} + EXCLUDED.{}").format(sql.Identifier(name), self._full(table, name), sql.Identifier(name))
            for name in counts
        ]
        return sql.SQL(query).format(
            table=sql.Identifier(self.schema, table),
            columns=_names([*columns, *counts]),
            values=_places([*columns, *counts]),
            key=_names(_DAILY_KEY),
            added=sql.SQL(", ").join(added),
            all=self._columns(table),
        )

    def increment(self, table: str, key: str) -> sql.Composed:
        query = "UPDATE {table} SET spend = {spend} + %s WHERE ({key} = %s AND 1=1)"
        return sql.SQL(query).format(
            table=sql.Identifier(self.schema, table), spend=self._full(table, "spend"), key=self._full(table, key)
        )

    def _columns(self, table: str) -> sql.Composable:
        found = self.session.execute(_COLUMNS, [f'"{self.schema}"."{table}"']).fetchall()
        return sql.SQL(", ").join(self._full(table, name) for (name,) in found)

    def _full(self, table: str, column: str) -> sql.Identifier:
        return sql.Identifier(self.schema, table, column)


def _names(columns: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _places(columns: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Placeholder() for _ in columns)

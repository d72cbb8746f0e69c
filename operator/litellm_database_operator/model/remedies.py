"""What each error code means in a migration, and what a person does about it; docs/operations/errors.md is the same.

Codes are Prisma's (P1001) and PostgreSQL's SQLSTATEs (55P03). The report carries them; whoever shows a failure asks
remedy_of, so that status, condition and docs say the same sentence. No text of a server is ever in one.
https://www.prisma.io/docs/orm/reference/error-reference
"""

from collections.abc import Mapping
from typing import Final

from litellm_database_operator.model.sqlstates import SQLSTATES, Remedy

_PRISMA: Final[Mapping[str, Remedy]] = {
    "P1000": Remedy(
        "authentication failed",
        "The server refuses the migrator's name or password, and kept to it for five seconds.",
        "Each run gets a new password: wait for the next. When it lasts, see pg_hba.conf, and whether somebody altered "
        "the role …_migrator.",
    ),
    "P1001": Remedy(
        "server not reached",
        "Nobody answers at the server's host and port, or the server is not up.",
        "Check DNS, NetworkPolicies and firewalls between the Job's namespace and the server, and the server itself.",
    ),
    "P1002": Remedy(
        "timed out",
        "Another migrator held Prisma's advisory lock 72707369 until the deadline.",
        "See who that is (blockedBy). Keep LiteLLM's own migration away (DISABLE_SCHEMA_UPDATE=true, no Helm migration "
        "Job); end a session that was left over with pg_terminate_backend(pid).",
    ),
    "P1003": Remedy(
        "database does not exist",
        "The server has no database of that name, and had none for five seconds.",
        "Restore the database, or point the PostgresServer back at the server that has it.",
    ),
    "P1008": Remedy(
        "operation timed out",
        "A question to the database was cancelled before it was answered.",
        "See which statement_timeout the roles of the database have, and how busy the server is.",
    ),
    "P1010": Remedy(
        "access denied",
        "The login is right, and may not enter the database.",
        "See that …_migrator has CONNECT on the database, and pg_hba.conf a line for it.",
    ),
    "P1011": Remedy(
        "TLS failed",
        "The server offers no TLS, or its certificate is not of the CA, or not for this host.",
        "Correct the server's certificate, the CA's Secret, or spec.external.tls of the PostgresServer.",
    ),
    "P1012": Remedy(
        "schema.prisma refused",
        "Prisma's engine cannot read the bundle's schema.prisma.",
        "Ask for another release. This is a fault of the bundle or of the operator: report it, with the bundle.",
    ),
    "P1017": Remedy(
        "connection closed",
        "The server closed the connection, again and again until the deadline.",
        "See the server's log for crashes or fail-overs, and proxies or firewalls between for idle timeouts.",
    ),
    "P2037": Remedy(
        "too many connections",
        "The server, the database or the role has as many sessions as it may have.",
        "Close sessions, lower the proxies' pools, or raise max_connections; the migrator needs two sessions.",
    ),
    "P3005": Remedy(
        "schema not empty",
        "The schema holds tables, and Prisma's ledger says of no migration that it was applied.",
        "Restore the ledger _prisma_migrations with the tables that it belongs to, or give LiteLLM an empty database.",
    ),
    "P3009": Remedy(
        "failed migrations in the ledger",
        "The ledger holds a migration that began and did not end.",
        "See in the ledger's column logs why. Bring the database to before it or after it by hand, then mark it: "
        "prisma migrate resolve --rolled-back or --applied.",
    ),
    "P3018": Remedy(
        "migration failed",
        "PostgreSQL refused a statement of a migration; what came before it is applied and recorded.",
        "See statement and SQLSTATE in status.schema.lastRun, and mend what they name.",
    ),
}
REMEDIES: Final[Mapping[str, Remedy]] = {**_PRISMA, **SQLSTATES}
"""By code: SQLSTATEs that begin with P begin with P0, Prisma's codes never do."""
_GENERAL: Final = frozenset({"P1001", "P1008", "P1017", "P3018"})
"""Prisma's codes that say less than the SQLSTATE beside them."""


def remedy_of(prisma_code: str | None, sqlstate: str | None) -> Remedy | None:
    """Return what the more telling one of a failure's two codes means; None where neither is known."""
    prisma, postgres = _PRISMA.get(prisma_code or ""), SQLSTATES.get(sqlstate or "")
    return (postgres or prisma) if prisma_code in _GENERAL else (prisma or postgres)

"""What is said of a database that no run could bring to its target.

These are the states that a person must act on; nothing is started for them, and nothing is touched.
"""

from typing import Final

from litellm_database_operator.model.bundle import Bundle, names_ahead
from litellm_database_operator.model.names import LEDGER_TABLE
from litellm_database_operator.model.observed import InsideFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.schema_state import SchemaState, foreign_tables
from litellm_database_operator.planning.commands import how_to_retry
from litellm_database_operator.planning.findings import Finding, done, stalled
from litellm_database_operator.planning.words import listed, quoted

REFUSED: Final = frozenset({SchemaState.FOREIGN, SchemaState.UNLEDGERED, SchemaState.AHEAD})
"""States in which no run is started: what it would say is known."""


def foreign(resource: LiteLLMDatabase, inside: InsideFacts) -> Finding:
    """Return what is said of a schema with tables of another application."""
    tables = foreign_tables(inside.tables)
    serves = ", and the database serves on as it is" if inside.finished else ""
    return stalled(
        Reason.FOREIGN_TABLES,
        f"schema {quoted(resource.spec.schema_)} holds {_counted(len(tables))} that LiteLLM never made: "
        f"{listed(tables)}. Nothing is touched{serves}. Move what is another application's to a schema of its own "
        "(ALTER TABLE … SET SCHEMA …), or make the resource anew with another spec.database; it is looked at again by "
        "itself",
    )


def unledgered(inside: InsideFacts) -> Finding:
    """Return what is said of LiteLLM's tables without a ledger."""
    tables = sorted(set(inside.tables) - {LEDGER_TABLE}, key=str.encode)
    return stalled(
        Reason.UNLEDGERED,
        f"the schema holds LiteLLM's tables ({listed(tables)}) and Prisma's ledger is empty (P3005): they were made by "
        f"prisma db push, or restored without {LEDGER_TABLE}. Nothing is touched. Restore {LEDGER_TABLE} from where "
        "the tables come from, or make the resource anew with another spec.database to begin empty; it is looked at "
        "again by itself",
    )


def ahead(target: Bundle, inside: InsideFacts, *, compatible: bool) -> Finding:
    """Return what is said of a database that is newer than its target."""
    newer = names_ahead(target.migrations, inside.finished)
    told = (
        f"the database is ahead of bundle {target.version}: {len(newer)} applied migrations are newer, up to "
        f"{quoted(newer[-1])}"
    )
    if compatible:
        return done(
            Reason.AHEAD_AND_COMPATIBLE,
            f"{told}. It was found complete at that bundle before, and nothing was dropped, renamed or retyped since, "
            "so that the older proxy still works. Ask for the newer LiteLLM release when you can",
        )
    return stalled(
        Reason.AHEAD_OF_TARGET,
        f"{told}. Nothing is ever migrated back: ask for a LiteLLM release at least as new. "
        "The database serves on as it is",
    )


def drifted(resource: LiteLLMDatabase, target: Bundle, inside: InsideFacts) -> Finding:
    """Return what is said of a complete ledger and a schema that lacks something."""
    missing = inside.judged[target.digest].missing
    return stalled(
        Reason.SCHEMA_INCOMPLETE,
        f"every migration of bundle {target.version} is applied, and yet the schema was found to lack "
        f"{listed(missing)}: removed by hand, or never made. The database serves on, and nothing is made out of a "
        f"difference. Restore what is missing, then: {how_to_retry(resource)}",
    )


def _counted(number: int) -> str:
    return "a table" if number == 1 else f"{number} tables"

"""Plans, and what they are made of, for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from litellm_database_operator.migrator.plan.catalog import Catalog, Column, Key, Size, Table
from litellm_database_operator.migrator.plan.effect import Act
from litellm_database_operator.migrator.plan.plan import Plan, PlannedFile, PlannedStatement
from litellm_database_operator.migrator.plan.verdict import Lock, Long
from litellm_database_operator.model.schema_state import SchemaState

COLUMNS = {"id": "text", "spend": "integer", "status": '"Status"', "name": "character varying(10)"}
SIZE = Size(name="LiteLLM_Key", bytes=12_300_000_000, estimate=41_000_000)
STATEMENT = PlannedStatement(
    kind="AlterTableStmt",
    act=Act.DROP_COLUMN,
    object='"LiteLLM_Key"."spend"',
    table="LiteLLM_Key",
    loses=True,
    rows=True,
    breaks=True,
    lock=Lock.ACCESS_EXCLUSIVE,
    long=None,
    bytes=SIZE.bytes,
    estimate=SIZE.estimate,
    text='DROP COLUMN "spend" of "LiteLLM_Key"',
)
INDEX = replace(
    STATEMENT,
    kind="IndexStmt",
    act=Act.CREATE_INDEX,
    object='"LiteLLM_Key"."i"',
    loses=False,
    rows=None,
    breaks=False,
    lock=Lock.SHARE,
    long=Long.SCAN,
    text='CREATE INDEX on "LiteLLM_Key"',
)


def catalog() -> Catalog:
    """Return two tables, the second with nothing but an id; three keys; a view and a partition."""
    return Catalog(
        tables={
            name: _table(name, columns) for name, columns in {"LiteLLM_Key": COLUMNS, "Other": {"id": "text"}}.items()
        },
        keys={
            key.name: (key,)
            for key in (
                Key(table="LiteLLM_Key", name="plain", unique=False),
                Key(table="LiteLLM_Key", name="unique", unique=True),
                Key(table="LiteLLM_Key", name="fkey", unique=False),
            )
        },
        others=frozenset({"View", "Partition"}),
        functions=frozenset({"f"}),
    )


def plan(*statements: PlannedStatement, **changes: Any) -> Plan:
    """Return a plan of one file with these statements."""
    file = PlannedFile(name="20250101_a", checksum="c" * 64, statements=statements, others=1)
    draft = Plan(bundle="2", target="sha256:2", state=SchemaState.BEHIND, files=(file,))
    return replace(draft, **changes)


def _table(name: str, columns: dict[str, str]) -> Table:
    made = {
        column: Column(table=name, name=column, type=kind, not_null=column == "id") for column, kind in columns.items()
    }
    return Table(size=replace(SIZE, name=name), columns=made)

"""The marks on a server, which its limits are counted by: on each version, by each kind of admin."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from psycopg import sql

from litellm_database_operator.model.roles import Mark
from tests.integration.postgres.conftest import MakeTenant
from tests.support.postgres_server import PostgresServer
from tests.support.tenant import Tenant, make_mark

_MANUAL: Final = Path(__file__).resolve().parents[3] / "docs/how-to/many-tenants.md"


def _query_of_the_manual() -> bytes:
    found = re.search(r"^```sql\n(.*?)^```$", _MANUAL.read_text(), re.DOTALL | re.MULTILINE)
    assert found
    return found[1].encode()


async def _marked(tenant: Tenant, mark: Mark) -> Mark:
    await tenant.gateway.shape_roles(replace(tenant.shape(), mark=mark), tenant.facts)
    return mark


async def test_the_marks_of_a_namespace_are_found_and_no_others(
    make_tenant: MakeTenant, any_postgres: PostgresServer, unique_name: str
) -> None:
    of_all = replace(make_mark(), namespace_uid=f'{unique_name}-ü"')
    ours = await _marked(await make_tenant("_a"), replace(of_all, name="a", uid="1"))
    released = await _marked(await make_tenant("_b"), replace(of_all, name="b", uid="2", released=True))
    neighbour = await make_tenant("_c")
    theirs = await _marked(neighbour, replace(of_all, namespace_uid=f'{unique_name}-ü"2'))
    forged = sql.SQL("COMMENT ON ROLE {} IS {}").format(
        sql.Identifier(neighbour.roles.app), sql.Literal(f"no mark: {ours.dump()}")
    )
    with any_postgres.connect() as session:
        session.execute(forged)
    found = await neighbour.gateway.fetch_marks(namespace_uid=of_all.namespace_uid)
    assert sorted(found, key=lambda mark: mark.uid) == [ours, released]
    assert {ours, released, theirs} <= set(await neighbour.gateway.fetch_marks())
    assert await neighbour.gateway.fetch_marks(namespace_uid=f"{unique_name}-none") == ()
    with any_postgres.connect() as session:
        rows = session.execute(_query_of_the_manual()).fetchall()
    assert [row[1:] for row in rows if row[0] == f"{unique_name}_b"] == [("team-a", "b", "true")]
    assert sum(str(row[0]).startswith(unique_name) for row in rows) == 3

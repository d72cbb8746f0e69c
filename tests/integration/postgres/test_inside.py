"""What the proxy's login sees of ledger and history, and what nobody can make of it by writing rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.model.observed import Change, InsideFacts, Judged
from tests.support.tenant import Tenant

MakeTenant = Callable[[str], Awaitable[Tenant]]
T0 = datetime(2026, 1, 1, tzinfo=UTC)
LEDGER = """CREATE TABLE {schema}._prisma_migrations (migration_name varchar(255), finished_at timestamptz,
                                                       rolled_back_at timestamptz)"""


@pytest.fixture
async def on_16(make_named: MakeTenant) -> Tenant:
    """Give a database where the version makes no difference."""
    return await (await make_named("")).provision()


def _write(tenant: Tenant, *statements: str) -> None:
    """Write as the migrator does, or as whoever has its password."""
    with tenant.connect(tenant.roles.migrator) as session:
        for statement in statements:
            session.execute(statement.format(schema=tenant.schema).encode())


def _run(**changes: str) -> str:
    """Return the INSERT of a run; each value is SQL."""
    row = {
        "job": "'j'",
        "bundle": "'0.4.39'",
        "digest": "'sha256:1'",
        "ledger_before": "''",
        "outcome": "'Migrated'",
        "total": "1",
        "operator_version": "'v'",
    } | changes
    return (
        (
            f"INSERT INTO litellm_operator.migration_runs ({', '.join(row)}) VALUES ({', '.join(row.values())})"  # noqa: S608
        )
        .replace("{", "{{")
        .replace("}", "}}")
    )


def _at(hours: int) -> str:
    return f"'{(T0 + timedelta(hours=hours)).isoformat()}'"


async def _look(tenant: Tenant) -> InsideFacts:
    _, inside = await tenant.look()
    assert inside is not None
    return inside


async def test_a_fresh_database_has_nothing(tenant: Tenant) -> None:
    inside = await _look(tenant)
    assert (inside.finished, inside.unfinished, inside.views, inside.tables) == (set(), set(), set(), set())
    assert (inside.judged, inside.changes, inside.last_finished) == ({}, (), None)


async def test_an_empty_ledger_has_no_last_row(tenant: Tenant) -> None:
    _write(tenant, LEDGER)
    assert (await _look(tenant)).last_finished is None


async def test_the_ledger_and_what_lies_beside_it(tenant: Tenant) -> None:
    _write(
        tenant,
        LEDGER,
        "INSERT INTO {schema}._prisma_migrations VALUES ('a', '2026-01-01Z', NULL), ('b', '2026-01-02Z', NULL),"
        " ('c', NULL, NULL), ('d', '2026-01-03Z', '2026-01-03Z'), ('e', NULL, '2026-01-03Z')",
        'CREATE TABLE {schema}."LiteLLM_One" (id int) PARTITION BY RANGE (id)',
        'CREATE TABLE {schema}.part PARTITION OF {schema}."LiteLLM_One" FOR VALUES FROM (0) TO (9)',
        "CREATE VIEW {schema}.plain AS SELECT 1",
        "CREATE MATERIALIZED VIEW {schema}.kept AS SELECT 1",
    )
    inside = await _look(tenant)
    assert inside.finished == {"a", "b"}
    assert inside.unfinished == {"c"}
    assert inside.last_finished == datetime(2026, 1, 2, tzinfo=UTC)
    assert inside.tables == {"_prisma_migrations", "LiteLLM_One"}
    assert inside.views == {"plain", "kept"}


async def test_the_last_comparison_with_each_bundle_counts(tenant: Tenant) -> None:
    verified = {"verified": "true", "missing": "'{}'"}
    _write(
        tenant,
        _run(**verified, finished_at=_at(1)),
        _run(missing="'{table a, column b.c}'", finished_at=_at(2)),
        _run(finished_at=_at(3)),  # ended before it compared
        _run(missing="'{}'", finished_at=_at(4)),  # found nothing missing, and was not recorded as verified
        _run(**verified),  # never ended
        _run(digest="'sha256:2'", missing="'{x}'", finished_at=_at(1)),
        _run(digest="'sha256:2'", **verified, finished_at=_at(2)),
        _run(digest="'sha256:3'", verified="true", finished_at=_at(5)),  # of an operator that wrote no `missing`
    )
    inside = await _look(tenant)
    assert inside.judged == {
        "sha256:1": Judged(at=T0 + timedelta(hours=2), missing=("table a", "column b.c")),
        "sha256:2": Judged(at=T0 + timedelta(hours=2), missing=()),
        "sha256:3": Judged(at=T0 + timedelta(hours=5), missing=()),
    }
    assert inside.verified == {"sha256:2", "sha256:3"}


async def test_changes_are_runs_that_applied_something_or_may_have(tenant: Tenant) -> None:
    _write(
        tenant,
        _run(started_at=_at(0), applied="1", pending="'{first}'", breaks="false"),  # before any comparison
        _run(started_at=_at(1), finished_at=_at(2), verified="true"),
        _run(started_at=_at(3), finished_at=_at(4), applied="2", pending="'{a, b}'", breaks="false"),
        _run(started_at=_at(5), applied="1"),  # of the version before
        _run(started_at=_at(6), outcome="'Running'", pending="'{c}'", breaks="true"),
        _run(started_at=_at(7), outcome="'Running'"),
        _run(started_at=_at(8), outcome="'AwaitingApproval'", pending="'{d}'", breaks="true"),
        _run(started_at=_at(9), outcome="'Planned'", mode="'Preview'", pending="'{d}'", applied="7", breaks="true"),
        _run(started_at=_at(10), outcome="'Failed'", pending="'{d}'", breaks="false"),
    )
    assert (await _look(tenant)).changes == (
        Change(at=T0 + timedelta(hours=3), names=frozenset({"a", "b"}), breaks=False),
        Change(at=T0 + timedelta(hours=5), names=frozenset(), breaks=True),
        Change(at=T0 + timedelta(hours=6), names=frozenset({"c"}), breaks=True),
        Change(at=T0 + timedelta(hours=10), names=frozenset({"d"}), breaks=False),
    )


async def test_a_run_that_breaks_is_not_lost_among_many(on_16: Tenant) -> None:
    breaks = _run(started_at=_at(2), applied="1", pending="'{old}'", breaks="true")
    many = [_run(started_at=_at(3 + hour), outcome="'Failed'", pending="'{a}'", breaks="false") for hour in range(120)]
    _write(on_16, _run(finished_at=_at(1), verified="true"), breaks, *many)
    changes = (await _look(on_16)).changes
    assert [change.names for change in changes if change.breaks] == [{"old"}]
    assert len(changes) == 100


@pytest.mark.parametrize(
    "row",
    [
        {"finished_at": "'infinity'", "verified": "true"},
        {"finished_at": "'-infinity'", "missing": "'{x}'"},
        {"finished_at": "'4713-01-01 BC'", "missing": "'{x}'"},
        {"finished_at": "now()", "missing": "'{{a,b},{c,d}}'"},
        {"finished_at": "now()", "missing": "'{NULL}'"},
        {"finished_at": "now()", "missing": "array_fill(repeat('x', 1000), ARRAY[1000])"},
        {"finished_at": "now()", "verified": "true", "digest": "repeat('d', 100000)"},
        {"finished_at": "now()", "verified": "true", "digest": "''"},
        {"started_at": "'infinity'", "applied": "1", "pending": "'{{a,NULL},{c,d}}'"},
        {"started_at": "'-infinity'", "applied": "-1", "outcome": "'Failed'", "pending": "'{x}'"},
        {"started_at": "'200000-01-01'", "applied": "1", "pending": "array_fill(repeat('x', 1000), ARRAY[1000])"},
        {"finished_at": "now()", "missing": "ARRAY[E'\\x1b[31mred', '\u202e']"},
    ],
)
async def test_a_row_of_any_kind_can_be_read(on_16: Tenant, row: dict[str, str]) -> None:
    _write(on_16, _run(verified="true", finished_at="'epoch'", digest="'first'"), _run(**row))
    inside = await _look(on_16)
    for judged in inside.judged.values():
        assert judged.at <= datetime.now(UTC) + timedelta(minutes=1)
        assert len(judged.missing) <= 20
        assert all(len(each) <= 200 for each in judged.missing)
    for change in inside.changes:
        assert len(change.names) <= 300
        assert all(len(each) <= 255 for each in change.names)
    if row.get("missing") == "'{NULL}'":
        assert inside.verified == {"first"}, "something without a name is missing all the same"


async def test_a_thousand_rows_are_cut(on_16: Tenant) -> None:
    many = "SELECT 'j', 'b', 'd' || n, '', 'Migrated', 1, 'v', true, now(), 1, '{{x}}' FROM generate_series(1, 3000) n"
    columns = (
        "job, bundle, digest, ledger_before, outcome, total, operator_version, verified, finished_at, applied, pending"
    )
    _write(on_16, f"INSERT INTO litellm_operator.migration_runs ({columns}) {many}")
    inside = await _look(on_16)
    assert len(inside.judged) == 1000
    assert len(inside.changes) <= 100


@pytest.mark.parametrize(
    "planted",
    [
        (
            "CREATE VIEW {schema}._prisma_migrations AS SELECT NULL::text AS migration_name, now() AS finished_at,"
            " NULL::timestamptz AS rolled_back_at"
        ),
        (
            "CREATE VIEW {schema}._prisma_migrations AS SELECT 'a' AS migration_name, 'infinity'::timestamptz"
            " AS finished_at, NULL::timestamptz AS rolled_back_at"
        ),
        (
            "CREATE VIEW {schema}._prisma_migrations AS SELECT 7 AS migration_name, '-infinity'::timestamptz AS"
            " finished_at, NULL::text AS rolled_back_at"
        ),
    ],
)
async def test_an_odd_ledger_is_read(on_16: Tenant, planted: str) -> None:
    _write(on_16, planted)
    inside = await _look(on_16)
    assert inside.last_finished is not None
    assert inside.last_finished <= datetime.now(UTC) + timedelta(minutes=1)


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TABLE {schema}._prisma_migrations (id int)",
        "CREATE TABLE {schema}._prisma_migrations (migration_name text, finished_at text, rolled_back_at text)",
        (
            "CREATE VIEW {schema}._prisma_migrations AS SELECT (1 / (random() * 0)::int)::text AS migration_name,"
            " now() AS finished_at, NULL::timestamptz AS rolled_back_at"
        ),
        "CREATE SEQUENCE {schema}._prisma_migrations",
    ],
)
async def test_a_ledger_that_is_none_is_a_fault_that_passes(on_16: Tenant, planted: str) -> None:
    _write(on_16, planted)
    with pytest.raises(UnavailableError):
        await on_16.look()


async def test_a_look_is_two_statements(on_16: Tenant) -> None:
    _write(on_16, LEDGER)
    with on_16.server.connect() as superuser:
        superuser.execute(f"ALTER ROLE {on_16.roles.app_a} SET log_statement = 'all'".encode())
    begin = len(on_16.server.log)
    await _look(on_16)
    asked = [line for line in on_16.server.log[begin:].splitlines() if "statement: " in line or "execute " in line]
    assert len(asked) == 2, asked

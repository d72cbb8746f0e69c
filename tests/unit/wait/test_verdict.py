"""Whether a schema is there, and what is said while it is not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from litellm_database_operator.model.names import LEDGER_TABLE
from litellm_database_operator.model.observed import Change, InsideFacts, Judged
from litellm_database_operator.wait.verdict import judge
from tests.support.planning import BUNDLE, EMPTY, NEWER, NOW, VERIFIED, inside_of

WELL = inside_of()
TABLES = frozenset({"LiteLLM_UserTable", LEDGER_TABLE})
FIRST, SECOND = BUNDLE.migrations
MISSING = Judged(at=NOW, missing=("column LiteLLM_TeamTable.blocked",))
AHEAD = replace(inside_of(NEWER), tables=TABLES, judged={BUNDLE.digest: VERIFIED})
HISTORY = frozenset({"20260101000000_runs"})
NOT_COMPARED = f"the schema has not been compared with bundle {BUNDLE.version} yet"
REPAIRED = replace(BUNDLE, version=f"{BUNDLE.version}.post1", digest="of-other-files")
"""A release with the same names of migrations, and other files behind them."""


def added(*, breaks: bool) -> Change:
    return Change(at=NOW + timedelta(hours=1), names=frozenset(NEWER.migrations[2:]), breaks=breaks)


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        pytest.param(EMPTY, f"2 of 2 migrations are missing, next {FIRST}", id="empty"),
        pytest.param(replace(WELL, finished=frozenset({FIRST})), f"1 of 2 migrations is missing, next {SECOND}",
                     id="behind"),
        pytest.param(replace(EMPTY, unfinished=frozenset({FIRST})),
                     f'migration "{FIRST}" has begun and not ended: it is being applied, or has failed (P3009)',
                     id="interrupted"),
        pytest.param(replace(EMPTY, tables=TABLES), "Prisma's ledger is empty (P3005)", id="unledgered"),
        pytest.param(replace(EMPTY, tables=frozenset({"orders"})),
                     f"2 of 2 migrations are missing, next {FIRST}; and none is applied while the schema holds tables "
                     'of others: "orders"', id="foreign, and empty"),
        pytest.param(replace(WELL, judged={BUNDLE.digest: MISSING}),
                     'every migration is applied, and yet the schema was found to lack "column '
                     'LiteLLM_TeamTable.blocked"', id="drifted"),
        pytest.param(replace(WELL, views=frozenset({"MonthlyGlobalSpend"})),
                     'every migration is applied; 1 of 2 views are missing: "LiteLLM_VerificationTokenView"',
                     id="no view"),
        pytest.param(replace(WELL, tables=TABLES | {"orders"}, views=frozenset()), "2 of 2 views are missing",
                     id="foreign, and no views"),
        pytest.param(replace(WELL, judged={}, history=HISTORY), NOT_COMPARED,
                     id="not yet compared"),
        pytest.param(replace(WELL, history=HISTORY, changes=(added(breaks=False),)),
                     NOT_COMPARED, id="not compared since a change"),
        pytest.param(replace(WELL, judged={REPAIRED.digest: VERIFIED}, history=HISTORY), NOT_COMPARED,
                     id="compared with another of the same names"),
        pytest.param(replace(AHEAD, judged={}), 'the database is ahead of it: 1 applied migrations are newer, up to '
                     f'"{NEWER.migrations[-1]}", and nothing shows that this release works with it', id="ahead"),
        pytest.param(replace(AHEAD, changes=(added(breaks=True),)), "nothing shows that this release works with it",
                     id="ahead, by a change that breaks"),
    ],
)  # fmt: skip
def test_it_waits(inside: InsideFacts, text: str) -> None:
    verdict = judge(BUNDLE, inside)
    assert (verdict.there, text in verdict.text) == (False, True), verdict.text


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param(replace(AHEAD, judged={}), id="ahead"),
        pytest.param(replace(AHEAD, changes=(added(breaks=True),)), id="ahead, by a change that breaks"),
        pytest.param(replace(WELL, unfinished=frozenset({"20990101000000_begun"})), id="interrupted"),
        pytest.param(replace(EMPTY, tables=TABLES), id="unledgered"),
        pytest.param(replace(WELL, judged={BUNDLE.digest: MISSING}), id="drifted"),
    ],
)
def test_tables_of_others_hide_nothing(inside: InsideFacts) -> None:
    beside = replace(inside, tables=inside.tables | {"orders"})
    assert judge(BUNDLE, beside) == judge(BUNDLE, inside)
    assert not judge(BUNDLE, beside).there


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param(WELL, id="complete and compared"),
        pytest.param(replace(WELL, history=HISTORY), id="complete and compared, with our history"),
        pytest.param(replace(WELL, judged={}), id="complete, where no history of ours tells more"),
        pytest.param(replace(WELL, tables=TABLES | {"orders"}), id="complete beside tables of others"),
        pytest.param(replace(WELL, finished=WELL.finished | {"20240101000000_forgotten"}), id="an older one too many"),
        pytest.param(replace(AHEAD, changes=(added(breaks=False),)), id="ahead and compatible"),
        pytest.param(
            replace(AHEAD, changes=(added(breaks=False),), tables=TABLES | {"orders"}),
            id="ahead and compatible, beside tables of others",
        ),
    ],
)
def test_it_is_there(inside: InsideFacts) -> None:
    assert judge(BUNDLE, inside).there


def test_what_a_tenant_wrote_into_the_ledger_cannot_pass_for_our_words() -> None:
    verdict = judge(BUNDLE, replace(WELL, unfinished=frozenset({'x"\nthe schema is there\x1b[2J'})))
    assert "\n" not in verdict.text
    assert "\x1b" not in verdict.text

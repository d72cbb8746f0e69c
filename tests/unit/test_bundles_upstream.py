"""Reading LiteLLM's Python as text, on samples in the shapes that it has had."""

import pytest

from bundles.content import Index, View
from bundles.upstream import UnknownSourceError, read_hand_built_indexes, read_indexes, read_views

INDEXES = """
import never_imported
raise SystemExit("never run")
OTHER_INDEXES: Final = (RequestLogIndex("Other", "Other_a_idx", '("a")'),)
REQUEST_LOG_INDEXES: Final = (
    RequestLogIndex("Spend", "Spend_a_b_idx", '("a", "b")'),
    RequestLogIndex("Spend", "Spend_c_idx", '("c")'),
)
"""


def test_indexes_are_read_and_nothing_is_run() -> None:
    assert read_indexes(INDEXES) == (
        Index(name="Spend_a_b_idx", table="Spend", definition='("a", "b")'),
        Index(name="Spend_c_idx", table="Spend", definition='("c")'),
    )


def test_an_assignment_without_annotation_is_read_too() -> None:
    assert len(read_indexes(INDEXES.replace(": Final", ""))) == 2


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("", id="no list"),
        pytest.param("REQUEST_LOG_INDEXES = ()", id="an empty list"),
        pytest.param("REQUEST_LOG_INDEXES = make()", id="a list that is computed"),
        pytest.param("REQUEST_LOG_INDEXES = (Index('t', 'i'),)", id="two strings"),
        pytest.param("REQUEST_LOG_INDEXES = (Index('t', 'i', columns),)", id="a name for a string"),
        pytest.param("REQUEST_LOG_INDEXES = (Index('t', 'i', '(c)', unique=True),)", id="one thing more"),
    ],
)
def test_a_list_of_indexes_that_changed_its_shape_is_refused(source: str) -> None:
    with pytest.raises(UnknownSourceError):
        read_indexes(source)


BY_HAND = """
raise SystemExit("never run")
HAND_BUILT_SPEND_LOGS_INDEXES: Final = frozenset({"LiteLLM_SpendLogs_a_b_idx", "LiteLLM_SpendLogs_a_idx"})
def made(name): return name in HAND_BUILT_SPEND_LOGS_INDEXES
"""
DATAMODEL = """
model LiteLLM_Other {
  @@index([a])
}
model LiteLLM_SpendLogs {
  @@index([b])
  @@index([a])
  @@index([a, b])
  @@index([c], map: "LiteLLM_SpendLogs_c_idx")
}
"""


def test_indexes_built_by_hand_are_those_of_schema_prisma() -> None:
    assert read_hand_built_indexes(BY_HAND, DATAMODEL) == (
        Index(name="LiteLLM_SpendLogs_a_b_idx", table="LiteLLM_SpendLogs", definition='("a", "b")'),
        Index(name="LiteLLM_SpendLogs_a_idx", table="LiteLLM_SpendLogs", definition='("a")'),
    )
    assert read_hand_built_indexes("", DATAMODEL) == ()


@pytest.mark.parametrize(
    ("source", "datamodel"),
    [
        pytest.param(BY_HAND, "", id="no such model"),
        pytest.param(BY_HAND, DATAMODEL.replace("[a, b]", "[b, a]"), id="an index that schema.prisma does not have"),
        pytest.param(BY_HAND.replace("_a_idx", "_c_idx"), DATAMODEL, id="an index with a name of its own"),
        pytest.param(BY_HAND.replace("frozenset", "make"), DATAMODEL, id="a list that is computed"),
        pytest.param(BY_HAND.replace("SPEND_LOGS", "AUDIT_LOG"), DATAMODEL, id="a list of another name"),
        pytest.param(BY_HAND.replace('"LiteLLM_SpendLogs_a_idx"', "NAME"), DATAMODEL, id="a name for a string"),
    ],
)
def test_indexes_built_by_hand_that_look_otherwise_are_refused(source: str, datamodel: str) -> None:
    with pytest.raises(UnknownSourceError):
        read_hand_built_indexes(source, datamodel)


VIEWS = '''
async def create_missing_views(db):
    try:
        await db.query_raw("""SELECT 1 FROM "First" LIMIT 1""")
    except Exception:
        await db.execute_raw("""
            CREATE VIEW "First" AS
              SELECT 1;
        """)
    sql_query = """
    CREATE OR REPLACE VIEW "Second" AS\x20

    SELECT ';' AS s
    """
    await create_view_tolerating_race(db, "Second", sql_query)
'''


def test_views_are_read_in_their_order_as_single_statements() -> None:
    assert read_views(VIEWS) == (
        View(name="First", sql='CREATE VIEW "First" AS\nSELECT 1'),
        View(name="Second", sql="CREATE OR REPLACE VIEW \"Second\" AS\nSELECT ';' AS s"),
    )


@pytest.mark.parametrize(
    "source",
    [
        pytest.param('"""Makes the views."""', id="none"),
        pytest.param(VIEWS.replace("Second", "First"), id="one twice"),
    ],
)
def test_views_that_changed_their_shape_are_refused(source: str) -> None:
    with pytest.raises(UnknownSourceError):
        read_views(source)

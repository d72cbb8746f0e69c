"""What another type does to the values of a column."""

from __future__ import annotations

import pytest

from litellm_database_operator.migrator.plan.retype import rewrites, widens

KEEPS, WIDENS, NARROWS = (True, False), (True, True), (False, True)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("text", "text", KEEPS, id="the same"),
        pytest.param("character varying(10)", "character varying(20)", KEEPS, id="a longer text"),
        pytest.param("character varying(10)", "character varying", KEEPS, id="no limit any more"),
        pytest.param("character varying(10)", "text", KEEPS, id="text holds every varchar"),
        pytest.param("text", "character varying", KEEPS, id="a varchar without a limit is text"),
        pytest.param("text[]", "character varying[]", WIDENS, id="arrays are written anew"),
        pytest.param("timestamp(3) without time zone", "timestamp(6) without time zone", KEEPS, id="more precise"),
        pytest.param("timestamp(3) without time zone", "timestamp without time zone", KEEPS, id="most precise"),
        pytest.param("numeric(10,2)", "numeric(12,2)", KEEPS, id="more digits"),
        pytest.param("numeric(10,2)", "numeric", KEEPS, id="any digits"),
        pytest.param("numeric(10,2)", "numeric(12,4)", WIDENS, id="more digits on both sides"),
        pytest.param("integer", "bigint", WIDENS, id="bigint"),
        pytest.param("integer[]", "bigint[]", WIDENS, id="many bigints"),
        pytest.param("integer", "double precision", WIDENS, id="a double holds every integer"),
        pytest.param("real", "double precision", WIDENS, id="double"),
        pytest.param("uuid", "text", WIDENS, id="anything has a text"),
        pytest.param('"JobStatus"', "text", WIDENS, id="an enum has a text"),
        pytest.param("bigint", "integer", NARROWS, id="integer"),
        pytest.param("bigint", "double precision", NARROWS, id="a double does not hold every bigint"),
        pytest.param("text", "character varying(10)", NARROWS, id="a limit"),
        pytest.param("character varying(20)", "character varying(10)", NARROWS, id="a shorter text"),
        pytest.param("character varying", "character varying(10)", NARROWS, id="a limit where none was"),
        pytest.param("character(5)", "text", NARROWS, id="the padding goes"),
        pytest.param("timestamp(6) without time zone", "timestamp(3) without time zone", NARROWS, id="less precise"),
        pytest.param("timestamp(3) without time zone", "timestamp(3) with time zone", NARROWS, id="of some zone"),
        pytest.param("numeric(10,2)", "numeric(10,4)", NARROWS, id="fewer digits before the point"),
        pytest.param("numeric", "numeric(10,2)", NARROWS, id="digits where any were"),
        pytest.param("json", "jsonb", NARROWS, id="jsonb keeps no order"),
        pytest.param("text", "integer", NARROWS, id="a number"),
        pytest.param("text[]", "text", NARROWS, id="no array any more"),
        pytest.param("text", "", NARROWS, id="a type that only the server knows"),
        pytest.param("odd(type", "text", WIDENS, id="a name that reads like a modifier"),
    ],
)
def test_only_what_is_known_to_be_harmless_is(old: str, new: str, expected: tuple[bool, bool]) -> None:
    assert (widens(old, new), rewrites(old, new)) == expected

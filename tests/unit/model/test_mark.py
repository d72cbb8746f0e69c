"""The mark: what was written is read again, and nothing else is taken for one."""

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_database_operator.model.roles import Mark, parse_mark, told_by_marks
from tests.support.planning import UNHURRIED

MARK = Mark(identity="installation", namespace="team-a", namespace_uid="ns-1", name="gateway", uid="uid-1")
MARKS = st.builds(
    Mark,
    identity=st.text(),
    namespace=st.text(),
    namespace_uid=st.text(),
    name=st.text(),
    uid=st.text(),
    released=st.booleans(),
)


@UNHURRIED
@given(MARKS)
def test_what_was_written_is_read_again(mark: Mark) -> None:
    assert parse_mark(mark.dump()) == mark


@UNHURRIED
@given(MARKS, MARKS)
def test_a_mark_is_found_by_its_namespace_and_no_other(mark: Mark, other: Mark) -> None:
    told = told_by_marks(mark.namespace_uid)
    assert told in mark.dump()
    assert (told in other.dump()) == (other.namespace_uid == mark.namespace_uid)
    assert told_by_marks() in other.dump()


def test_no_text_of_another_mark_looks_like_a_namespace() -> None:
    told = told_by_marks(MARK.namespace_uid)
    assert told not in replace(MARK, namespace_uid="ns-2", name=told, namespace=told, uid=told).dump()


def changed(**fields: object) -> str:
    """Return the comment of a mark with some fields changed."""
    return json.dumps(json.loads(MARK.dump()) | fields)


@pytest.mark.parametrize(
    "comment",
    [
        pytest.param(None, id="no comment"),
        pytest.param("", id="an empty comment"),
        pytest.param("owner of the shop's tables", id="somebody's words"),
        pytest.param("7", id="a number"),
        pytest.param("null", id="null"),
        pytest.param("[]", id="a list"),
        pytest.param('"litellmdb.dev"', id="a text of our name"),
        pytest.param('{"team": "shop"}', id="JSON of somebody else"),
        pytest.param('{"litellmdb.dev": 1}', id="our key alone"),
        pytest.param(json.dumps(asdict(MARK)), id="our fields without our key"),
        pytest.param(changed(**{"litellmdb.dev": 2}), id="of a version that we do not know"),
        pytest.param(changed(extra="x"), id="with a field more"),
        pytest.param(changed(uid=7), id="a number for a uid"),
        pytest.param(changed(namespace_uid=None), id="null for a uid"),
        pytest.param(changed(identity=["installation"]), id="a list for an identity"),
        pytest.param(changed(released="false"), id="a text for a truth"),
        pytest.param(changed(released=1), id="a number for a truth"),
        pytest.param(MARK.dump() + "; DROP ROLE x", id="followed by SQL"),
        pytest.param("[" * 100_000, id="nested without end"),
        pytest.param("1" * 5_000, id="a number of many digits"),
    ],
)
def test_a_foreign_comment_is_no_mark(comment: str | None) -> None:
    assert parse_mark(comment) is None


@UNHURRIED
@given(st.text() | st.from_regex(r"[\[{\"0-9:,litemdb.v ]{0,40}", fullmatch=True))
def test_no_comment_is_an_error(comment: str) -> None:
    assert parse_mark(comment) is None


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(MARK, True, id="itself"),
        pytest.param(replace(MARK, uid="uid-2"), True, id="the resource made again"),
        pytest.param(replace(MARK, released=True), True, id="released"),
        pytest.param(replace(MARK, name="other"), False, id="another name in the namespace"),
        pytest.param(
            replace(MARK, namespace="team-b", namespace_uid="ns-2"), False, id="the name in another namespace"
        ),
        pytest.param(replace(MARK, namespace_uid="ns-2"), False, id="the namespace made again"),
        pytest.param(replace(MARK, identity="other"), False, id="another installation"),
    ],
)
def test_a_claim_is_of_one_name_in_one_namespace_of_one_installation(other: Mark, same: bool) -> None:  # noqa: FBT001 - of the table
    assert MARK.same_claim(other) is same
    assert other.same_claim(MARK) is same


def test_a_released_mark_says_so_and_keeps_the_claim() -> None:
    assert parse_mark(MARK.release().dump()) == replace(MARK, released=True)

"""Names: none too long for PostgreSQL or Kubernetes, none shared."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_database_operator.model import names
from litellm_database_operator.model.names import DatabaseName
from tests.support.planning import UNHURRIED

LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
RESOURCE = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)
DATABASE = st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(
    lambda text: len(text.encode()) <= names.MAX_DATABASE_BYTES
)


@pytest.mark.parametrize(
    ("namespace", "name", "expected"),
    [
        pytest.param("team-a", "gateway", "team-a_gateway", id="namespace and name"),
        pytest.param("n" * 26, "r" * 26, "n" * 26 + "_" + "r" * 26, id="53 bytes are left whole"),
    ],
)
def test_short_names_stay_readable(namespace: str, name: str, expected: str) -> None:
    assert names.database_name(namespace=namespace, name=name) == expected


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        pytest.param("n" * 27, "r" * 26, id="54 bytes"),
        pytest.param("n" * 63, "r" * 40, id="the longest that Kubernetes allows"),
        pytest.param("é" * 26, "é" * 26, id="characters of two bytes"),
        pytest.param("n" + "é" * 26, "日" * 26, id="a cut within a character"),
    ],
)
def test_long_names_are_cut_to_the_bound_with_a_hash(namespace: str, name: str) -> None:
    cut = names.database_name(namespace=namespace, name=name)
    assert names.MAX_DATABASE_BYTES - 3 <= len(cut.encode()) <= names.MAX_DATABASE_BYTES
    assert re.search(r"__[0-9a-f]{8}$", cut)
    assert f"{namespace}_{name}".startswith(cut[:-10])


@UNHURRIED
@given(LABEL, RESOURCE, LABEL, RESOURCE)
def test_no_two_resources_share_a_database(namespace: str, name: str, other_namespace: str, other_name: str) -> None:
    one = names.database_name(namespace=namespace, name=name)
    other = names.database_name(namespace=other_namespace, name=other_name)
    assert (one == other) == ((namespace, name) == (other_namespace, other_name))


def test_a_cut_name_is_never_another_resources_whole_name() -> None:
    cut = names.database_name(namespace="n" * 63, name="victim")
    namespace, _, name = cut.rpartition("_")
    assert names.database_name(namespace=namespace, name=name) == cut  # only a namespace with `_` could have it
    assert "_" in namespace


@UNHURRIED
@given(DATABASE)
def test_the_roles_of_a_database_fit_and_differ(database: str) -> None:
    roles = names.role_names(DatabaseName(database)).all()
    assert len(set(roles)) == len(roles) == 5
    assert all(len(role.encode()) <= 63 for role in roles)


@UNHURRIED
@given(DATABASE, DATABASE)
def test_no_two_databases_share_a_role(one: str, other: str) -> None:
    roles, others = (set(names.role_names(DatabaseName(each)).all()) for each in (one, other))
    assert one == other or not roles & others


@pytest.mark.parametrize("suffix", ["_owner", "_migrator", "_app", "_app_a", "_app_b"])
def test_a_database_named_like_another_ones_role_shares_none_with_it(suffix: str) -> None:
    one = names.role_names(DatabaseName("shop"))
    other = names.role_names(DatabaseName(f"shop{suffix}"))
    assert not {*one.all()} & {*other.all()}


@UNHURRIED
@given(RESOURCE, st.lists(st.text(), min_size=1, max_size=4))
def test_a_jobs_name_fits_into_a_label(name: str, identity: list[str]) -> None:
    job = names.job_name(name, *identity)
    assert len(job) <= 63
    assert set(job) <= {*string.ascii_lowercase, *string.digits, "-"}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(("uid", "target", "ledger", ""), True, id="the same question"),
        pytest.param(("uid-2", "target", "ledger", ""), False, id="another resource of that name"),
        pytest.param(("uid", "target-2", "ledger", ""), False, id="another target"),
        pytest.param(("uid", "target", "ledger-2", ""), False, id="another ledger"),
        pytest.param(("uid", "target", "ledger", "again"), False, id="a retry"),
        pytest.param(("uid", "targetledger", "", ""), False, id="parts that run together"),
    ],
)
def test_a_jobs_name_says_what_it_is_for(other: tuple[str, ...], same: bool) -> None:  # noqa: FBT001 - of the table
    assert (names.job_name("gateway", "uid", "target", "ledger", "") == names.job_name("gateway", *other)) is same

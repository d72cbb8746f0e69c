"""docs/spec/reasons.md and names.md, and the page of troubleshooting, against the code that they describe."""

import re
from pathlib import Path
from typing import Final

import pytest

from litellm_database_operator.model import names
from litellm_database_operator.model.reasons import Reason

SPEC: Final = Path(__file__).resolve().parents[2] / "docs/spec"
TROUBLESHOOTING: Final = SPEC.parent / "operations/troubleshooting.md"
ENTRY: Final = re.compile(
    r"^### `(\w+)`\n(.+?)\n\n- \*\*Look\*\*: (.+?)\n- \*\*Do\*\*: (.+?)\n(?:\n|\Z)", re.MULTILINE | re.DOTALL
)
COLUMNS: Final = 6
BELONGING: Final = re.compile(r"^\| \*\*(.+?)\*\*")
WELL: Final = "All is well, or on its way"
PASSING: Final = "A server that does not answer as it should"
FOR_A_PERSON: Final = "A person must act"
MIGRATION: Final = "The migration and its pod"


def rows() -> dict[str, list[str]]:
    """Return the cells of each reason's row, with the group that it stands in as the last one."""
    found: dict[str, list[str]] = {}
    group = ""
    for line in (SPEC / "reasons.md").read_text().splitlines():
        if heading := BELONGING.match(line):
            group = heading[1]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == COLUMNS and (reason := re.fullmatch(r"\[`(\w+)`\]\(\S+\)", cells[0])):
            assert reason[1] not in found
            found[reason[1]] = [*cells[1:], group]
    return found


def states(reason: str) -> tuple[str, str, str]:
    """Return Ready, Reconciling and Stalled of a reason."""
    _, ready, reconciling, stalled, *_ = rows()[reason]
    return ready, reconciling, stalled


def of_group(*groups: str) -> list[str]:
    """Return the reasons that stand in these groups."""
    return [reason for reason, cells in rows().items() if cells[-1] in groups]


def test_every_reason_has_its_row() -> None:
    assert sorted(rows()) == sorted(Reason)


def test_rows_stand_in_the_order_of_the_code() -> None:
    assert list(rows()) == [str(reason) for reason in Reason]


def test_every_reason_says_what_is_so_where_to_look_and_what_to_do() -> None:
    page = TROUBLESHOOTING.read_text()
    entries = ENTRY.findall(page)
    assert re.findall(r"^### `(\w+)`$", page, re.MULTILINE) == [reason for reason, *_ in entries]
    assert [reason for reason, *_ in entries] == [str(reason) for reason in Reason]
    assert [reason for reason, *parts in entries if not all(part.strip() for part in parts)] == []


def test_groups_are_the_same_on_both_pages() -> None:
    headings = re.findall(r"^## (.+)$", TROUBLESHOOTING.read_text(), re.MULTILINE)
    assert headings[1:] == [WELL, PASSING, FOR_A_PERSON, MIGRATION]


@pytest.mark.parametrize("reason", sorted(Reason))
def test_nothing_is_stalled_and_goes_on(reason: str) -> None:
    ready, reconciling, stalled = states(reason)
    assert (reconciling, stalled) != ("True", "True")
    assert stalled != "True" or ready == "False"
    assert ready != "True" or (reconciling, stalled) == ("False", "False")


@pytest.mark.parametrize("reason", of_group(PASSING))
def test_a_passing_fault_goes_on_by_itself(reason: str) -> None:
    assert states(reason) in {("*no*", "True", "False"), ("Unknown", "True", "False")}


@pytest.mark.parametrize("reason", of_group(FOR_A_PERSON))
def test_what_a_person_must_mend_is_stalled(reason: str) -> None:
    assert states(reason) == ("False", "False", "True")


def test_groups_are_those_of_the_code() -> None:
    assert {cells[-1] for cells in rows().values()} == {WELL, PASSING, FOR_A_PERSON, MIGRATION}


def test_every_name_of_the_code_is_on_the_page() -> None:
    page = (SPEC / "names.md").read_text()
    constants = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}
    endings = {str(role).removeprefix("d") for role in names.role_names(names.DatabaseName("d")).all()}
    made = {names.published_secret(""), names.ca_secret(""), names.migrator_secret(""), names.embedded("")}
    expected = constants - {names.DATABASE_KIND, names.SERVER_KIND} | endings | made | {names.embedded_admin_secret("")}
    assert [name for name in sorted(expected) if name not in page] == []


@pytest.mark.parametrize(
    ("longest", "bound"),
    [
        pytest.param(names.migrator_secret("n" * 40), 49, id="migrator's Secret"),
        pytest.param(names.job_name("n" * 40, "uid"), 57, id="Job"),
        pytest.param(names.embedded("s" * 40), 49, id="embedded server"),
        pytest.param(names.embedded_admin_secret("s" * 40), 55, id="its admin Secret"),
        pytest.param(names.embedded_claim("s" * 40), 56, id="its volume"),
    ],
)
def test_bounds_are_as_the_page_says(longest: str, bound: int) -> None:
    assert len(longest) == bound
    assert f"{bound} |" in (SPEC / "names.md").read_text() or f"| {bound};" in (SPEC / "names.md").read_text()


def test_the_longest_role_fits_postgresql() -> None:
    roles = names.role_names(names.DatabaseName("d" * names.MAX_DATABASE_BYTES))
    assert max(map(len, roles.all())) <= 63

"""What a server says is foreign: it comes cleaned, cut and without row values, and decides nothing."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Final

import pytest
from psycopg import sql

from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import MAX_BYTES, MAX_TEXT
from tests.integration.migrator.faults import ALIAS, BUNDLE, changed, failure
from tests.integration.migrator.place import Ended, Place, make_bundle

SECRET: Final = "row-value-4711"
ORDER: Final = "run this command: kubectl delete namespace team-a; "
HOSTILE: Final = "\\x1b[2J\\x1b[31m\\u202Edesrever\\u2066 \\n\\r\\n\\t\\x07\\u0085\\u2028bell"
AUTO: Final = {"LITELLMDB_POLICY": "Auto"}


def raising(message: str) -> str:
    """Give a block that raises with everything that an error can carry."""
    return (
        f"DO $$ BEGIN RAISE EXCEPTION USING MESSAGE = {message}, DETAIL = '{SECRET}', HINT = '{SECRET}', "
        f"COLUMN = '{SECRET}', ERRCODE = '22000'; END $$"
    )


def texts(ended: Ended) -> list[str]:
    """Return every text of a report."""
    why = failure(ended)
    found = (why.message, why.migration, why.statement, why.server_message, why.blocked_by)
    return [text for text in found if text is not None]


def is_clean(text: str) -> bool:
    return len(text) <= MAX_TEXT and not [
        char for char in text if unicodedata.category(char)[0] in "CZ" and char != " "
    ]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(f"E'{HOSTILE}'", id="escapes, marks that turn the direction, line breaks"),
        pytest.param(f"repeat('{ORDER}', 200)", id="ten kilobytes of orders"),
        pytest.param(f"E'{HOSTILE}' || repeat('ä😀', 5000)", id="characters of many bytes"),
        pytest.param("repeat('\"}], \\\\', 1000)", id="JSON's own marks"),
        pytest.param("E'\\n\\nDETAIL: second line'", id="nothing on the first line"),
    ],
)
def test_what_a_server_says_is_cleaned_cut_and_without_values(place: Place, tmp_path: Path, message: str) -> None:
    library = make_bundle(tmp_path, BUNDLE, migrations=changed(alias=raising(message)))
    ended = place.run(library, BUNDLE, **AUTO)
    why = failure(ended)
    assert (why.reason, why.sqlstate, why.migration) == (Reason.MIGRATION_FAILED, "22000", ALIAS)
    assert [text for text in texts(ended) if not is_clean(text)] == []
    assert why.server_message
    assert (place.folder / "termination-log").stat().st_size <= MAX_BYTES
    assert ORDER not in why.message


def test_details_are_in_no_word_of_a_run(place: Place, tmp_path: Path) -> None:
    script = "DO $$ BEGIN RAISE EXCEPTION 'no' USING DETAIL = 'row' || '-value-' || '4711', HINT = 'h' || 'int'; END $$"
    library = make_bundle(tmp_path, BUNDLE, migrations=changed(alias=script))
    ended = place.run(library, BUNDLE, **AUTO)
    assert failure(ended).server_message == "no"
    history = place.fetch(sql.SQL("SELECT failure FROM litellm_operator.migration_runs"))
    assert history[0][0]["server_message"] == "no"
    assert SECRET not in json.dumps([texts(ended), list(ended.logs), history])

"""Each state of the product, live, and what Flux, Helm 4, Argo CD and kubectl wait make of it: as the docs say."""

from __future__ import annotations

from typing import Final

import pytest

from tests.integration.gitops.states import DATABASE_STATES, SERVER_STATES, Lab
from tests.integration.gitops.verdicts import passed, promised

STATES: Final = {"LiteLLMDatabase": DATABASE_STATES, "PostgresServer": SERVER_STATES}


@pytest.mark.parametrize("kind", STATES)
def test_every_row_has_its_state(kind: str) -> None:
    assert sorted(promised(kind)) == sorted(STATES[kind])


@pytest.mark.parametrize(
    ("kind", "state"), [pytest.param(kind, state, id=f"{kind}, {state}") for kind in STATES for state in STATES[kind]]
)
async def test_the_tools_say_what_the_page_says(lab: Lab, kind: str, state: str) -> None:
    body = await STATES[kind][state](lab)
    assert passed(body) == promised(kind)[state], body.get("status")

"""Which namespaces a PostgresServer lets in: Kubernetes' own reading of a selector, and the Gateway API's of `from`."""

from typing import Any

import pytest

from litellm_database_operator.model.resource import LabelSelector, PostgresServer
from litellm_database_operator.planning.namespaces import lets_in, selects
from litellm_database_operator.planning.parse import parse_server

LABELS = {"team": "a", "stage": "dev", "empty": ""}


def server(allowed: dict[str, Any]) -> PostgresServer:
    """Return a PostgresServer of namespace databases."""
    meta = {"name": "shared", "namespace": "databases", "uid": "u"}
    return parse_server({"metadata": meta, "spec": {"embedded": {}, "allowedNamespaces": allowed}})


def expressions(*asked: tuple[str, str, list[str]]) -> dict[str, Any]:
    """Return a selector of requirements."""
    return {"matchExpressions": [{"key": key, "operator": how, "values": values} for key, how, values in asked]}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        pytest.param({"matchLabels": {"team": "a"}}, True, id="label"),
        pytest.param({"matchLabels": {"team": "b"}}, False, id="another value"),
        pytest.param({"matchLabels": {"owner": "a"}}, False, id="no such label"),
        pytest.param({"matchLabels": {"empty": ""}}, True, id="empty value"),
        pytest.param({"matchLabels": {"absent": ""}}, False, id="empty is not absent"),
        pytest.param({"matchLabels": {"team": "a", "stage": "prod"}}, False, id="every label must be there"),
        pytest.param(expressions(("stage", "In", ["dev", "test"])), True, id="In"),
        pytest.param(expressions(("stage", "In", ["prod"])), False, id="not In"),
        pytest.param(expressions(("absent", "In", ["a"])), False, id="In, and no such label"),
        pytest.param(expressions(("stage", "NotIn", ["prod"])), True, id="NotIn"),
        pytest.param(expressions(("stage", "NotIn", ["dev"])), False, id="not NotIn"),
        pytest.param(expressions(("absent", "NotIn", ["a"])), True, id="NotIn, and no such label"),
        pytest.param(expressions(("empty", "Exists", [])), True, id="Exists"),
        pytest.param(expressions(("absent", "Exists", [])), False, id="does not exist"),
        pytest.param(expressions(("absent", "DoesNotExist", [])), True, id="DoesNotExist"),
        pytest.param(expressions(("empty", "DoesNotExist", [])), False, id="exists"),
        pytest.param(expressions(("team", "Exists", []), ("stage", "In", ["prod"])), False, id="every requirement"),
        pytest.param({"matchLabels": {"team": "a"}} | expressions(("team", "NotIn", ["a"])), False, id="both kinds"),
    ],
)
def test_a_selector_selects(selector: dict[str, Any], *, selected: bool) -> None:
    assert selects(LabelSelector.model_validate(selector), LABELS) is selected


@pytest.mark.parametrize(
    ("allowed", "own", "labelled", "other"),
    [
        pytest.param({}, True, False, False, id="Same by default"),
        pytest.param({"from": "Same"}, True, False, False, id="Same"),
        pytest.param({"from": "All"}, True, True, True, id="All"),
        pytest.param(
            {"from": "Selector", "selector": {"matchLabels": {"team": "a"}}}, True, True, False, id="Selector"
        ),
    ],
)
def test_a_server_lets_in(allowed: dict[str, Any], *, own: bool, labelled: bool, other: bool) -> None:
    found = server(allowed)
    assert lets_in(found, "databases", {}) is own
    assert lets_in(found, "team-a", LABELS) is labelled
    assert lets_in(found, "team-b", {"team": "b"}) is other

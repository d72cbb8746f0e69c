"""What docs/how-to/ tells people to apply is taken by an API server with our CRDs and roles."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from litellm_database_operator.planning.namespaces import lets_in
from litellm_database_operator.planning.parse import parse_database, parse_server
from tests.integration.kube.api_server import ApiServer

_TOP: Final = Path(__file__).resolve().parents[3]
_YAML: Final = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PAGES: Final = ("many-tenants", "embedded-server")


def examples(page: str) -> list[dict[str, Any]]:
    """Return the objects of a page, in its order."""
    text = (_TOP / f"docs/how-to/{page}.md").read_text()
    return [body for block in _YAML.findall(text) for body in yaml.safe_load_all(block)]


@pytest.fixture
def tenants(api_server: ApiServer) -> ApiServer:
    """Give an API server with the namespaces of the examples."""
    bodies = [body for page in _PAGES for body in examples(page) if body["kind"] == "Namespace"]
    api_server.apply(*bodies)
    return api_server


@pytest.mark.parametrize("page", _PAGES)
def test_every_example_is_taken(tenants: ApiServer, page: str) -> None:
    bodies = examples(page)
    assert bodies
    how = ("--server-side", "--dry-run=server", "--validate=strict", "--filename=-")
    for body in bodies:
        tenants.kubectl("apply", *how, stdin=json.dumps(body))


def test_the_example_database_may_use_the_example_server() -> None:
    found = {body["kind"]: body for body in examples("many-tenants") if body["apiVersion"] == "litellmdb.dev/v1alpha1"}
    (team,) = [
        body
        for body in examples("many-tenants")
        if body["metadata"]["name"] == "team-a" and "labels" in body["metadata"]
    ]
    for body in found.values():
        body["metadata"]["uid"] = "u"
    server, database = parse_server(found["PostgresServer"]), parse_database(found["LiteLLMDatabase"])
    reference = database.spec.server_ref
    assert reference
    assert (reference.namespace, reference.name) == (server.metadata.namespace, server.metadata.name)
    assert database.metadata.namespace == team["metadata"]["name"]
    assert lets_in(server, team["metadata"]["name"], team["metadata"]["labels"])


def test_the_roles_of_the_examples_are_the_installations() -> None:
    known = {"view", "edit", "admin"}
    for path in (_TOP / "manifests/rbac").glob("*.yaml"):
        known |= {
            body["metadata"]["name"] for body in yaml.safe_load_all(path.read_text()) if body["kind"] == "ClusterRole"
        }
    text = (_TOP / "docs/how-to/many-tenants.md").read_text()
    named = {body["roleRef"]["name"] for body in examples("many-tenants") if body["kind"] == "RoleBinding"}
    named |= set(re.findall(r"`(litellm-database-operator-(?:view|edit|server-admin))`", text))
    assert len(named) == 4
    assert named <= known

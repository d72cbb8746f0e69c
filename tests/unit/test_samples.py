"""manifests/samples/: what the README applies can be read, and every database finds its server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from litellm_database_operator.planning.parse import parse_database, parse_server

Body = dict[str, Any]

SAMPLES: Final = Path(__file__).resolve().parents[2] / "manifests/samples"


def sample(name: str) -> Iterator[Body]:
    """Yield a sample's resources as an API server would give them."""
    for body in yaml.safe_load_all((SAMPLES / f"{name}.yaml").read_text()):
        yield body | {"metadata": body["metadata"] | {"uid": "1"}}


@pytest.mark.parametrize("name", ["embedded", "external"])
def test_samples_can_be_read(name: str) -> None:
    bodies = list(sample(name))
    servers = [parse_server(body) for body in bodies if body["kind"] == "PostgresServer"]
    databases = [parse_database(body) for body in bodies if body["kind"] == "LiteLLMDatabase"]
    named = [(server.metadata.namespace, server.metadata.name) for server in servers]
    refs = [(each.spec.server_ref, each.metadata.namespace) for each in databases]
    assert [(ref.namespace or namespace, ref.name) for ref, namespace in refs if ref] == named


def test_the_upgrade_is_one_of_the_embedded_sample() -> None:
    (after,) = map(parse_database, sample("upgrade"))
    (before,) = (parse_database(body) for body in sample("embedded") if body["kind"] == "LiteLLMDatabase")
    assert after.metadata == before.metadata
    assert after.spec.server_ref == before.spec.server_ref
    assert after.spec.litellm != before.spec.litellm
    assert after.spec.migration.approved_plan is not None

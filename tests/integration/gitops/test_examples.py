"""manifests/gitops/ against the schemas of Argo CD and Flux themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml

from tests.integration.gitops.foreign_kinds import schemas

Body = dict[str, Any]
Schemas = dict[tuple[str, str], Body]

EXAMPLES: Final = Path(__file__).resolve().parents[3] / "manifests/gitops"
FOREIGN: Final = ("argoproj.io/v1alpha1", "toolkit.fluxcd.io/")
BODIES: Final[list[Body]] = [
    body
    for file in sorted(EXAMPLES.rglob("*.yaml"))
    for body in yaml.safe_load_all(file.read_text())
    if any(group in body.get("apiVersion", "") for group in FOREIGN)
]


@pytest.fixture(scope="module")
def kinds() -> Schemas:
    """Give the schemas."""
    return schemas()


@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{body['kind']} {body['metadata']['name']}")
def test_argo_cd_and_flux_know_every_field(kinds: Schemas, body: Body) -> None:
    jsonschema.validate(body, kinds[body["apiVersion"], body["kind"]])


def test_a_field_that_they_do_not_know_is_found(kinds: Schemas) -> None:
    body = next(each for each in BODIES if each["kind"] == "Kustomization")
    with pytest.raises(jsonschema.ValidationError, match="waits"):
        jsonschema.validate(body | {"spec": body["spec"] | {"waits": True}}, kinds[body["apiVersion"], body["kind"]])

"""The CRDs of Argo CD and Flux, out of their Go modules: what an Application or a HelmRelease may say."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import yaml

Body = dict[str, Any]

_MODULES: Final = {
    "github.com/argoproj/argo-cd/v3@v3.2.0": "manifests/crds/*-crd.yaml",
    "github.com/fluxcd/helm-controller@v1.4.0": "config/crd/bases/*.yaml",
    "github.com/fluxcd/kustomize-controller@v1.7.2": "config/crd/bases/*.yaml",
    "github.com/fluxcd/source-controller@v1.7.0": "config/crd/bases/*.yaml",
}
"""Of Argo CD 3.2 and Flux 2.7; where their CRDs are."""


def schemas() -> dict[tuple[str, str], Body]:
    """Return a JSON schema for each apiVersion and kind; CalledProcessError where a module cannot be had.

    An API server drops fields that the schema does not name; these refuse them, as whoever mistyped one would like.
    """
    return {name: schema for crd in _crds() for name, schema in _versions(crd)}


def _crds() -> Iterator[Body]:
    command = ["go", "mod", "download", "-json", *_MODULES]
    done = subprocess.run(command, cwd="/", check=True, capture_output=True, text=True, timeout=300)
    decoder, text = json.JSONDecoder(), done.stdout.strip()
    while text:
        module, end = decoder.raw_decode(text)
        text = text[end:].strip()
        pattern = _MODULES[f"{module['Path']}@{module['Version']}"]
        for file in sorted(Path(module["Dir"]).glob(pattern)):
            yield yaml.load(file.read_text(), yaml.CSafeLoader)


def _versions(crd: Body) -> Iterator[tuple[tuple[str, str], Body]]:
    spec = crd["spec"]
    for version in spec["versions"]:
        schema = _strict(version["schema"]["openAPIV3Schema"])
        # the API server's own, of which a CRD says no more than that they are objects
        schema["properties"]["metadata"] = {"type": "object"}
        yield (f"{spec['group']}/{version['name']}", spec["names"]["kind"]), schema


def _strict(schema: Body) -> Body:
    """Return a CRD's schema as JSON Schema has it, refusing what it does not name."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    made: Body = {key: _inside(value) for key, value in schema.items()}
    if "properties" in made and "additionalProperties" not in made:
        made["additionalProperties"] = bool(made.get("x-kubernetes-preserve-unknown-fields"))
    return made


def _inside(value: object) -> object:
    if isinstance(value, list):
        return [_inside(each) for each in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    found = cast("Body", value)
    return _strict(found) if isinstance(found.get("type"), str) else {key: _inside(each) for key, each in found.items()}

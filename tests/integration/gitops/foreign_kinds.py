"""The CRDs of Argo CD and Flux, out of their Go modules: what an Application or a HelmRelease may say."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Final, cast
from zipfile import ZipFile

import yaml

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Module:
    crds: str
    """Where its CRDs are."""
    sum: str
    """Of all its files, as in a go.sum."""


_MODULES: Final = {
    "github.com/argoproj/argo-cd/v3@v3.2.0": _Module(
        crds="manifests/crds/*-crd.yaml", sum="h1:m2eGAV+nXQGgzZbH5SyJD5laaPW27mzWXBrgisUHY/0="
    ),
    "github.com/fluxcd/helm-controller@v1.4.0": _Module(
        crds="config/crd/bases/*.yaml", sum="h1:rkm8rmB6Na7eNc4pJOnvtXEaJ19iKluRtayHKjBxcUM="
    ),
    "github.com/fluxcd/kustomize-controller@v1.7.2": _Module(
        crds="config/crd/bases/*.yaml", sum="h1:xmOWILtm9329M7MQCS/iCHXc2R+Xm9HjFSft9fh/PCA="
    ),
    "github.com/fluxcd/source-controller@v1.7.0": _Module(
        crds="config/crd/bases/*.yaml", sum="h1:/fBgS4CSmT5Jj/fjQDF92y+pC3gst1GJjgNSzY8Ff9I="
    ),
}
"""Of Argo CD 3.2 and Flux 2.7."""


def schemas() -> dict[tuple[str, str], Body]:
    """Return a JSON schema for each apiVersion and kind; LookupError where a module cannot be had, or is another.

    An API server drops fields that the schema does not name; these refuse them, as whoever mistyped one would like.
    """
    return {name: schema for crd in _crds() for name, schema in _versions(crd)}


def _crds() -> Iterator[Body]:
    for name, module in _MODULES.items():
        found = _downloaded(name)
        if found.get("Sum") != module.sum:
            raise LookupError(f"{name} cannot be had, or is not what it was: {found}")
        # The zip, for these modules ask for a newer Go than we do, and an older one says of no folder.
        with ZipFile(found["Zip"]) as files:
            for file in sorted(files.namelist()):
                if fnmatch(file, f"{name}/{module.crds}"):
                    yield yaml.load(files.read(file), yaml.CSafeLoader)


def _downloaded(name: str) -> Body:
    command = ["go", "mod", "download", "-json", name]
    own = os.environ | {"GOTOOLCHAIN": "local"}  # else a second Go is fetched where this one is older
    done = subprocess.run(command, cwd="/", env=own, check=False, capture_output=True, text=True, timeout=300)
    return json.loads(done.stdout or "{}") | {"stderr": done.stderr}


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

"""Argo CD's verdict on one of our resources: our health script in a Lua like Argo CD's, and the files that install it.

Argo CD 3.2 (util/lua/lua.go) opens the base and table libraries and of os only time and date; a resource that is
being deleted is Progressing whatever its script says (gitops-engine/pkg/health/health.go).
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from lupa import lua51

FOLDER: Final = Path(__file__).resolve().parents[2] / "manifests/gitops/argocd/health"
SCRIPT: Final = (FOLDER / "litellmdb.lua").read_text()
GROUP: Final = "litellmdb.dev"
KINDS: Final = ("LiteLLMDatabase", "PostgresServer")
_CLOSED: Final = """
    getmetatable("").__index = nil
    for _, name in ipairs({"string", "io", "debug", "math", "coroutine", "package", "python"}) do _G[name] = nil end
    os = {time = os.time, date = os.date}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What Argo CD shows."""

    status: str
    message: str


def argocd_health(body: Mapping[str, Any], *, script: str = SCRIPT) -> Health:
    """Return Argo CD's verdict on a resource as it is; LuaError where the script fails, which is Unknown there."""
    if body["metadata"].get("deletionTimestamp"):
        return Health(status="Progressing", message="Pending deletion")
    lua: Any = lua51.LuaRuntime(unpack_returned_tuples=True)
    lua.execute(_CLOSED)
    lua.globals().obj = _as_lua(lua, body)
    told = lua.execute(script)
    return Health(status=told.status, message=told.message)


def _as_lua(lua: Any, value: object) -> object:
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        return lua.table_from({key: _as_lua(lua, each) for key, each in fields.items()})
    if isinstance(value, list | tuple):
        return lua.table_from([_as_lua(lua, each) for each in cast("list[object]", value)])
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def installing_files() -> dict[str, str]:
    """Return, by its name, each file that brings the script into an Argo CD."""
    return {
        "argocd-cm.yaml": _CONFIG_MAP + "".join(f"  {_key(kind)}: |\n{_indented(4)}" for kind in KINDS),
        "helm-values.yaml": _HELM_VALUES + "".join(f"    {_key(kind)}: |\n{_indented(6)}" for kind in KINDS),
        "argocd-operator.yaml": _OPERATOR + "".join(map(_operator_check, KINDS)),
    }


def _key(kind: str) -> str:
    return f"resource.customizations.health.{GROUP}_{kind}"


def _operator_check(kind: str) -> str:
    return f"    - group: {GROUP}\n      kind: {kind}\n      check: |\n{_indented(8)}"


def _indented(columns: int) -> str:
    return textwrap.indent(SCRIPT, " " * columns)


_CONFIG_MAP: Final = """\
# Made of litellmdb.lua, for an Argo CD that was installed from its manifests. Into the ConfigMap that is there:
#   kubectl -n argocd patch configmap argocd-cm --patch-file manifests/gitops/argocd/health/argocd-cm.yaml
# or as a patch in the kustomization that holds your Argo CD.
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
  labels:
    app.kubernetes.io/name: argocd-cm
    app.kubernetes.io/part-of: argocd
data:
"""
_HELM_VALUES: Final = """\
# Made of litellmdb.lua, for an Argo CD that was installed by its chart: one more file of values.
#   helm upgrade argocd argo/argo-cd -n argocd --reuse-values -f manifests/gitops/argocd/health/helm-values.yaml
configs:
  cm:
"""
_OPERATOR: Final = """\
# Made of litellmdb.lua, for an Argo CD that argocd-operator or OpenShift GitOps runs. A merge patch replaces the whole
# list: where you have checks of your own, add these two to them.
#   kubectl -n argocd patch argocd argocd --type merge --patch-file manifests/gitops/argocd/health/argocd-operator.yaml
apiVersion: argoproj.io/v1beta1
kind: ArgoCD
metadata:
  name: argocd
  namespace: argocd
spec:
  resourceHealthChecks:
"""

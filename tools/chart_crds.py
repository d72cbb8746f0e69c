"""Write crds/ into the operator's chart, as templates: the chart upgrades its CRDs, and keeps them when it goes.

`.venv/bin/python tools/chart_crds.py`; a test says that nobody forgot it.
"""

from pathlib import Path
from typing import Final

_TOP: Final = Path(__file__).resolve().parent.parent
SOURCES: Final = _TOP / "crds"
TEMPLATES: Final = _TOP / "charts/litellm-database-operator/templates/crds"
_LABELS: Final = "  labels:\n    app.kubernetes.io/name: litellm-database-operator\n"
_CHART_METADATA: Final = """\
  labels:
    {{- include "operator.labels" . | nindent 4 }}
  {{- $keep := ternary (dict "helm.sh/resource-policy" "keep") (dict) .Values.crds.keep }}
  {{- with merge $keep .Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
"""


def template_of(crd: str) -> str:
    """Return a CRD's text as a template of the chart. ValueError for one that Helm would read otherwise."""
    if "{{" in crd:
        raise ValueError("cannot make a template: the CRD holds {{, which Helm would read as an action")
    before, labels, after = crd.partition(_LABELS)
    if not labels:
        raise ValueError("cannot make a template: the CRD's metadata has no such labels as the others")
    return (
        "{{- /* Written by tools/chart_crds.py from crds/. */ -}}\n"
        "{{- if .Values.crds.enabled }}\n" + before + _CHART_METADATA + after + "{{- end }}\n"
    )


def templates() -> dict[str, str]:
    """Return what TEMPLATES must hold: each file's name and text."""
    return {path.name: template_of(path.read_text()) for path in sorted(SOURCES.glob("litellmdb.dev_*.yaml"))}


def main() -> None:
    """Write them."""
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    for name, text in templates().items():
        (TEMPLATES / name).write_text(text)


if __name__ == "__main__":
    main()

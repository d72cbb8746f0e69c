"""`make lint-delivery`: charts, manifests and Dockerfile under every linter that reads them. Zero findings stand."""

import sys
from collections.abc import Callable, Iterable
from typing import Final

from tools.delivery import linters
from tools.delivery.exceptions import EXCEPTIONS
from tools.delivery.finding import Finding, standing
from tools.delivery.render import TOP, render_all, written_by_hand
from tools.phase import phase

DOCKERFILE: Final = TOP / "Dockerfile"


def main() -> int:
    """Say what stands; 1 if anything does."""
    with phase("render charts and manifests"):
        rendered = render_all()
    checks: dict[str, Callable[[], Iterable[Finding]]] = {
        "helm lint": linters.helm_lint,
        "kubernetes-validate": lambda: linters.kubernetes_schemas([*rendered, *written_by_hand()]),
        "kube-score": lambda: linters.kube_score(rendered),
        "hadolint": lambda: linters.hadolint(DOCKERFILE),
        "checkov": lambda: linters.checkov(rendered, DOCKERFILE),
    }
    found: list[Finding] = []
    for name, check in checks.items():
        with phase(name):
            found += check()
    stands = standing(found, EXCEPTIONS)
    for each in stands:
        print(each, file=sys.stderr)
    return 1 if stands else 0


if __name__ == "__main__":
    sys.exit(main())

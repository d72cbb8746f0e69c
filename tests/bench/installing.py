"""How long an installation takes: from `helm install` to an operator that is Ready."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.bench.figures import Figure, spread
from tests.bench.progress import tell
from tests.support.installation import CHART, OPERATOR, install_operator, local_helm, local_values
from tests.support.kubectl import Kubectl

_ROUNDS: Final = 5
_WITHIN: Final = 120.0
_NAMESPACE: Final = f"--namespace={OPERATOR}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one installation took, in seconds."""

    helm: float
    """Until Helm returned, which waits for nothing."""
    ready: float


def install_seconds() -> Figure:
    """Install the operator a few times where it is not, and leave it installed as it was found."""
    kubectl = install_operator()
    with _put_back():
        rounds = [_round(kubectl) for _ in range(_ROUNDS)]
    ready, helm = [each.ready for each in rounds], [each.helm for each in rounds]
    return Figure(
        key="install_seconds",
        value=round(sorted(ready)[len(ready) // 2], 2),
        how=f"`helm install` of the operator's chart, its start to the Deployment's Available: {spread(ready)} s; "
        f"Helm's own part {spread(helm)} s; the image was on the node and the CRDs, which are kept, in the cluster",
    )


def _round(kubectl: Kubectl) -> Round:
    tell("uninstall the operator, and install it again")
    local_helm().uninstall(OPERATOR, _NAMESPACE)
    kubectl.wait_gone("deployment", OPERATOR, within=_WITHIN)
    kubectl.run("wait", "--for=delete", "pod", "--selector=app.kubernetes.io/component=operator", "--timeout=60s")
    # Its account went with the release, so it could not let go: the new one would stand by, and a first one does not.
    kubectl.run("delete", "lease", OPERATOR, "--ignore-not-found")
    begun = time.monotonic()
    local_helm().install(OPERATOR, CHART, _NAMESPACE, values=local_values())
    helm = time.monotonic() - begun
    kubectl.run("wait", "--for=condition=Available", f"deployment/{OPERATOR}", "--timeout=120s", at_most=_WITHIN + 30)
    return Round(helm=helm, ready=time.monotonic() - begun)


@contextmanager
def _put_back() -> Generator[None]:
    """Leave an operator in the cluster whatever happens: everybody's databases are without one meanwhile."""
    try:
        yield
    finally:
        install_operator()

"""How kopf logs in: as the pod's service account, or elsewhere as the kubeconfig says, like kube/api.py."""

from typing import Any

import kopf


def register_login(registry: kopf.OperatorRegistry) -> None:
    """Replace kopf's own ways, which load the whole synchronous client."""
    kopf.on.login(registry=registry)(login)


def login(settings: kopf.OperatorSettings, **_: Any) -> kopf.ConnectionInfo | None:
    """Return the credentials; called at start and after a 401, so that a rotated token is read anew."""
    return kopf.login_with_service_account(settings=settings) or kopf.login_with_kubeconfig(settings=settings)

"""Which namespaces a PostgresServer lets in: as the Gateway API's allowedNamespaces, by name or by label.

https://gateway-api.sigs.k8s.io/reference/spec/#routenamespaces
"""

from collections.abc import Mapping
from typing import assert_never

from litellm_database_operator.model.resource import LabelSelector, PostgresServer, Requirement


def lets_in(server: PostgresServer, namespace: str, labels: Mapping[str, str]) -> bool:
    """Tell whether databases of a namespace, which has these labels, may use a server."""
    allowed = server.spec.allowed_namespaces
    if namespace == server.metadata.namespace or allowed.from_ == "All":
        return True
    return allowed.selector is not None and selects(allowed.selector, labels)


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Tell whether labels meet every requirement of a selector."""
    named = selector.match_labels.items() <= labels.items()
    return named and all(_meets(labels, each) for each in selector.match_expressions)


def _meets(labels: Mapping[str, str], requirement: Requirement) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value in requirement.values
        case "NotIn":
            return value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            assert_never(requirement.operator)

"""The kinds of objects that the operator speaks of, and where the API server serves them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from litellm_database_operator.model import names

Body = dict[str, Any]
"""An object as JSON: what a server of any version sent, or what it will be sent."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind, by its API version and the plural that its path holds."""

    api_version: str
    name: str
    plural: str

    @property
    def group(self) -> str:
        """Its API group: empty for the core's."""
        return self.api_version.rpartition("/")[0]

    def path(self, namespace: str | None, name: str | None = None, *, subresource: str | None = None) -> str:
        """Return the path of one object, or of all in a namespace, or of all."""
        prefix = "/apis" if "/" in self.api_version else "/api"
        where = ("namespaces", namespace) if namespace is not None else ()
        return "/".join(filter(None, (prefix, self.api_version, *where, self.plural, name, subresource)))


DATABASE: Final = Kind(names.API_VERSION, names.DATABASE_KIND, names.DATABASE_PLURAL)
SERVER: Final = Kind(names.API_VERSION, names.SERVER_KIND, names.SERVER_PLURAL)
NAMESPACE: Final = Kind("v1", "Namespace", "namespaces")
SECRET: Final = Kind("v1", "Secret", "secrets")
SERVICE: Final = Kind("v1", "Service", "services")
CLAIM: Final = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
POD: Final = Kind("v1", "Pod", "pods")
EVENT: Final = Kind("v1", "Event", "events")
JOB: Final = Kind("batch/v1", "Job", "jobs")
STATEFUL_SET: Final = Kind("apps/v1", "StatefulSet", "statefulsets")
NETWORK_POLICY: Final = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
LEASE: Final = Kind("coordination.k8s.io/v1", "Lease", "leases")


def uid_of(body: Mapping[str, Any]) -> str:
    """Return the uid of an object that a server sent."""
    return str(body["metadata"]["uid"])

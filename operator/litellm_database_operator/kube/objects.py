"""What all objects that the operator makes have in common: whose they are, and how they become JSON."""

from collections.abc import Mapping
from dataclasses import dataclass

from kubernetes.aio.client import V1ObjectMeta, V1OwnerReference
from pydantic import BaseModel

from litellm_database_operator.kube.kinds import Body
from litellm_database_operator.kube.reading import Json
from litellm_database_operator.model import names


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The LiteLLMDatabase that an object is made for: it controls it, and its going takes it away."""

    kind: str
    name: str
    namespace: str
    uid: str

    def reference(self) -> V1OwnerReference:
        """Return the ownerReference; it blocks nothing, or OpenShift would ask for update on finalizers."""
        return V1OwnerReference(
            api_version=names.API_VERSION,
            kind=self.kind,
            name=self.name,
            uid=self.uid,
            controller=True,
            block_owner_deletion=False,
        )


def owner_of(body: Json) -> Owner:
    """Return the resource as the owner of what is made for it."""
    meta = body["metadata"]
    return Owner(kind=str(body["kind"]), name=meta["name"], namespace=meta["namespace"], uid=meta["uid"])


def database_labels(database: str) -> dict[str, str]:
    """Return the labels of everything made for a LiteLLMDatabase: by them it is watched and recognised."""
    return {names.MANAGED_BY_LABEL: names.MANAGED_BY, names.DATABASE_LABEL: database}


def server_labels(server: str) -> dict[str, str]:
    """Return the labels of everything made for an embedded PostgresServer."""
    return {names.MANAGED_BY_LABEL: names.MANAGED_BY, names.SERVER_LABEL: server}


def owned(
    name: str,
    owner: Owner,
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> V1ObjectMeta:
    """Return the metadata of an object made for a LiteLLMDatabase; ours go before `labels`."""
    return V1ObjectMeta(
        name=name,
        namespace=owner.namespace,
        labels={**(labels or {}), **database_labels(owner.name)},
        annotations=dict(annotations) if annotations else None,
        owner_references=[owner.reference()],
    )


def to_json(built: BaseModel) -> Body:
    """Return a built object as the API server reads it."""
    return built.model_dump(mode="json", by_alias=True, exclude_none=True)

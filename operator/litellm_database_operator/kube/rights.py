"""What the operator must be allowed to do, and what stops without it: one table, which manifests/ is compared with.

control/installation.py asks for each of them at the API server; a right that code begins to need is added here, in
manifests/rbac and in the chart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.kinds import Body, Kind
from litellm_database_operator.kube.leases import LEASE_NAME

_WATCHING: Final = ("list", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """Some verbs on one kind, for one purpose."""

    kind: Kind
    verbs: tuple[str, ...]
    without: str
    """What does not work without it."""
    subresource: str | None = None
    name: str | None = None
    """Of the only object that is meant, where RBAC may be narrowed to it; never for list, watch and create."""

    @property
    def resource(self) -> str:
        """The resource as RBAC names it, with its subresource: `litellmdatabases/status`."""
        return "/".join(filter(None, (self.kind.plural, self.subresource)))


RIGHTS: Final = (
    Right(kind=kinds.DATABASE, verbs=_WATCHING, without="no LiteLLMDatabase is noticed"),
    Right(kind=kinds.SERVER, verbs=_WATCHING, without="no PostgresServer is noticed"),
    Right(kind=kinds.JOB, verbs=_WATCHING, without="no end of a migration is noticed"),
    Right(kind=kinds.POD, verbs=_WATCHING, without="why a migration's pod does not run is not told"),
    Right(kind=kinds.STATEFUL_SET, verbs=_WATCHING, without="no start of an embedded server is noticed"),
    Right(kind=kinds.DATABASE, verbs=("get",), without="a deleted LiteLLMDatabase is held for ever"),
    Right(kind=kinds.SERVER, verbs=("get",), without="no LiteLLMDatabase finds its server"),
    Right(kind=kinds.DATABASE, verbs=("patch",), without="no LiteLLMDatabase is begun with, or let go"),
    Right(kind=kinds.SERVER, verbs=("patch",), without="no PostgresServer is begun with, or let go"),
    Right(kind=kinds.DATABASE, verbs=("patch",), subresource="status", without="no LiteLLMDatabase says its state"),
    Right(kind=kinds.SERVER, verbs=("patch",), subresource="status", without="no PostgresServer says its state"),
    Right(kind=kinds.JOB, verbs=("create", "delete"), without="nothing is migrated"),
    Right(
        kind=kinds.SECRET, verbs=("get", "create", "patch", "delete"), without="no credentials are read or published"
    ),
    Right(kind=kinds.NAMESPACE, verbs=("get",), without="whose a database is cannot be told"),
    Right(kind=kinds.EVENT, verbs=("list",), without="why there is no pod for a migration is not told"),
    Right(kind=kinds.EVENT, verbs=("create", "patch"), without="no Events are posted"),
    Right(kind=kinds.STATEFUL_SET, verbs=("get", "create", "patch", "delete"), without="embedded servers are not run"),
    Right(kind=kinds.SERVICE, verbs=("get", "create", "patch", "delete"), without="embedded servers are not run"),
    Right(
        kind=kinds.NETWORK_POLICY, verbs=("get", "create", "patch", "delete"), without="embedded servers are not run"
    ),
    Right(
        kind=kinds.CLAIM, verbs=("get", "delete"), without="the volumes of embedded servers stay, whatever was asked"
    ),
)
"""Needed in every watched namespace."""

OWN_RIGHTS: Final = (
    Right(kind=kinds.LEASE, verbs=("get", "update"), name=LEASE_NAME, without="no operator begins to work"),
    Right(kind=kinds.LEASE, verbs=("create",), without="no operator begins to work"),
)
"""Needed in the operator's own namespace."""

OWN_UID: Final = Right(kind=kinds.NAMESPACE, verbs=("get",), without="the installation has no identity")
"""Needed for the operator's own namespace where no identity is set."""

DEFAULT_SERVER_RIGHTS: Final = (
    Right(kind=kinds.SERVER, verbs=("get",), without="no LiteLLMDatabase without serverRef finds its server"),
    Right(kind=kinds.SECRET, verbs=("get",), without="nobody logs in to the default server"),
)
"""Needed in the default server's namespace, where it is not among those that are watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One verb of a right, in one namespace or, with None, in every one."""

    right: Right
    verb: str
    namespace: str | None

    @property
    def is_for_watching(self) -> bool:
        """Whether the watch of its namespace cannot begin without it."""
        return self.right.verbs == _WATCHING

    def attributes(self) -> Body:
        """Return it as the API server is asked: a SelfSubjectAccessReview's spec.resourceAttributes.

        https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-access-review-v1/
        """
        right = self.right
        # to read a Namespace is asked, and may be granted, inside that namespace
        name = self.namespace if right.kind == kinds.NAMESPACE else right.name
        told = {"subresource": right.subresource, "namespace": self.namespace, "name": name}
        asked = {"group": right.kind.group, "resource": right.kind.plural, "verb": self.verb}
        return asked | {key: value for key, value in told.items() if value is not None}


def needs_in(namespace: str | None) -> Iterator[Need]:
    """Yield what is needed in one watched namespace, or with None in every one."""
    yield from _each(RIGHTS, namespace)


def needs_of_its_own(namespace: str, *, has_identity: bool) -> Iterator[Need]:
    """Yield what is needed in the operator's own namespace, watched or not."""
    yield from _each(OWN_RIGHTS if has_identity else (*OWN_RIGHTS, OWN_UID), namespace)


def needs_of_default_server(namespace: str) -> Iterator[Need]:
    """Yield what is needed in the default server's namespace."""
    yield from _each(DEFAULT_SERVER_RIGHTS, namespace)


def _each(rights: Sequence[Right], namespace: str | None) -> Iterator[Need]:
    for right in rights:
        for verb in right.verbs:
            yield Need(right=right, verb=verb, namespace=namespace)

"""Whether the operator was installed well: its CRDs, its rights and its namespaces, judged from what the cluster says.

start.py waits by it and tells the probes; check.py prints it. Each finding is one line that says what to do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from pydantic import BaseModel

from litellm_database_operator.kube.access import Access
from litellm_database_operator.kube.discovery import Discovery
from litellm_database_operator.kube.kinds import DATABASE, SERVER, Kind
from litellm_database_operator.kube.reading import Json
from litellm_database_operator.kube.rights import Need, needs_in, needs_of_default_server, needs_of_its_own
from litellm_database_operator.model import names
from litellm_database_operator.model.fields import lacking, model_fields, schema_fields
from litellm_database_operator.model.resource import LiteLLMDatabaseSpec, PostgresServerSpec
from litellm_database_operator.settings import PlaceSettings

_SPECS: Final[Mapping[Kind, type[BaseModel]]] = {DATABASE: LiteLLMDatabaseSpec, SERVER: PostgresServerSpec}
_CRDS: Final = "kubectl apply --server-side -k crds, or an upgrade of the chart"
_GRANTED_BY: Final = "apply manifests/rbac, or upgrade the chart"
_GRANTED_ASIDE: Final = "add the namespace to LITELLMDB_WATCH_NAMESPACES, or grant it there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an operator works, by its settings."""

    own: str
    """Its own namespace."""
    watched: tuple[str, ...]
    """The namespaces that it watches; none is every one."""
    has_identity: bool
    """Whether one is set, so that the own namespace's uid is not needed."""
    default_server: str | None = None
    """The default server's namespace, where one is set."""

    @property
    def namespaces(self) -> tuple[str | None, ...]:
        """The watched namespaces; None is every one."""
        return self.watched or (None,)

    def needs(self) -> Iterator[Need]:
        """Yield every right that it needs."""
        yield from needs_of_its_own(self.own, has_identity=self.has_identity)
        for namespace in self.namespaces:
            yield from needs_in(namespace)
        yield from self.needs_aside()

    def needs_aside(self) -> Iterator[Need]:
        """Yield what it needs in namespaces that it does not watch."""
        if self.watched and self.default_server is not None and self.default_server not in self.watched:
            yield from needs_of_default_server(self.default_server)


def place_of(settings: PlaceSettings) -> Place:
    """Return where an operator with these settings works."""
    return Place(
        own=settings.pod_namespace,
        watched=settings.watch_namespaces,
        has_identity=settings.identity is not None,
        default_server=settings.default_server[0] if settings.default_server else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the API server says."""

    served: Mapping[str, frozenset[str]]
    """The plurals of our group, by version."""
    schemas: Mapping[str, Json]
    """The schema of spec, by kind."""
    missing: tuple[Need, ...] = ()
    absent: tuple[str, ...] = ()
    """Watched namespaces that do not exist."""

    @property
    def lacks_schemas(self) -> bool:
        """Whether a kind is served whose schema is not told yet: OpenAPI follows discovery by a second or so."""
        served = self.served[names.VERSION]
        return any(kind.plural in served and not self.schemas.get(kind.name) for kind in _SPECS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is wrong with an installation, a line each."""

    blocking: tuple[str, ...] = ()
    """Why no work can begin."""
    failing: tuple[str, ...] = ()
    """What will not work, while the rest does."""
    absent: tuple[str, ...] = ()
    """Watched namespaces that are not there yet, as far as can be told."""
    notices: tuple[str, ...] = ()
    """What is unusual, and hinders nothing."""
    watchable: tuple[str | None, ...] = field(default=(None,))
    """The watched namespaces whose watch can begin; None is every one."""

    @property
    def obstacles(self) -> tuple[str, ...]:
        """Why the operator is not ready: it is when it can do all that it is for, in the namespaces that there are."""
        return self.blocking + self.failing

    @property
    def wrong(self) -> tuple[str, ...]:
        """All that somebody has to mend."""
        return self.obstacles + self.absent


class Look(Protocol):
    """Looks at the installation; UnavailableError when the API server does not answer."""

    async def __call__(self, *, anew: bool) -> Findings:
        """Return what is wrong; unless asked anew, of rights and namespaces only those that were missing are asked."""
        ...


def make_look(discovery: Discovery, access: Access, place: Place) -> Look:
    """Return what looks again and again: fifty namespaces are two thousand questions."""
    seen: Seen | None = None

    async def once(*, anew: bool) -> Findings:
        nonlocal seen
        seen = await look(discovery, access, place, before=None if anew else seen)
        return judge(seen, place)

    return once


async def look(discovery: Discovery, access: Access, place: Place, *, before: Seen | None = None) -> Seen:
    """Ask the API server, and change nothing; UnavailableError when it does not answer.

    With a look before, of rights and namespaces only what was missing then is asked for.
    """
    served = {names.VERSION: await discovery.served()}
    if not _plurals() <= served[names.VERSION]:
        served |= {version: await discovery.served(version) for version in await discovery.versions()}
    return Seen(
        served=served,
        schemas=await discovery.spec_schemas(),
        missing=tuple(await access.missing(before.missing if before else place.needs())),
        absent=tuple(await access.absent(_doubtful(before, place) if before else place.watched)),
    )


def judge(seen: Seen, place: Place) -> Findings:
    """Tell what is wrong with an installation."""
    unwatchable = {need.namespace for need in seen.missing if need.is_for_watching}
    watchable = tuple(namespace for namespace in place.namespaces if namespace not in unwatchable)
    blocking = [*_of_crds(seen), *(_tell(need) for need in seen.missing if _is_own(need, place))]
    absent = {namespace: line for namespace in place.watched if (line := _tell_absent(namespace, seen))}
    there = (namespace for namespace in place.namespaces if namespace not in absent)
    failing = [line for namespace in there for line in _of_namespace(namespace, seen)]
    aside = set(place.needs_aside())
    failing += [_tell(need, granted_by=_GRANTED_ASIDE) for need in seen.missing if need in aside]
    if not watchable:
        blocking, failing, absent = [*blocking, *failing, *absent.values()], [], {}
    return Findings(
        blocking=tuple(blocking),
        failing=tuple(failing),
        absent=tuple(absent.values()),
        notices=tuple(_notices(seen)),
        watchable=watchable,
    )


def _doubtful(before: Seen, place: Place) -> list[str]:
    """Return the watched namespaces that something was missing of."""
    lacking = {*before.absent, *(need.namespace for need in before.missing)}
    return [namespace for namespace in place.watched if namespace in lacking]


def _of_crds(seen: Seen) -> Iterator[str]:
    unserved = _plurals() - seen.served[names.VERSION]
    elsewhere = {plural: _versions_of(plural, seen) for plural in sorted(unserved)}
    if nowhere := [_crd(plural) for plural, versions in elsewhere.items() if not versions]:
        yield f"CustomResourceDefinitions {' and '.join(nowhere)} are not served: install them with {_CRDS}"
    for plural, versions in elsewhere.items():
        if versions:
            yield (
                f"CustomResourceDefinition {_crd(plural)} serves {', '.join(versions)} and not {names.VERSION}, the "
                "version of this operator: install CRDs and operator of one release"
            )
    for kind in _SPECS:
        if kind.plural not in unserved:
            yield from _of_schema(kind, seen.schemas.get(kind.name) or {})


def _of_schema(kind: Kind, schema: Json) -> Iterator[str]:
    if not schema:
        yield f"the API server does not tell the schema of {_crd(kind.plural)} yet"
    elif older := lacking(model_fields(_SPECS[kind]), schema_fields(schema)):
        yield (
            f"CustomResourceDefinition {_crd(kind.plural)} is older than this operator: it lacks {', '.join(older)}, "
            f"which would be dropped in silence; bring it up to date with {_CRDS}"
        )


def _notices(seen: Seen) -> Iterator[str]:
    for kind, model in _SPECS.items():
        schema = seen.schemas.get(kind.name) or {}
        if newer := lacking(schema_fields(schema), model_fields(model)):
            yield (
                f"CustomResourceDefinition {_crd(kind.plural)} is newer than this operator: it has {', '.join(newer)}, "
                "and a resource with one of these is refused as InvalidSpec until the operator is upgraded"
            )


def _tell_absent(namespace: str, seen: Seen) -> str | None:
    if namespace in seen.absent:
        return (
            f"namespace {namespace} of LITELLMDB_WATCH_NAMESPACES does not exist: create it, or take it off the list; "
            "it is served as soon as it is there"
        )
    if set(needs_in(namespace)) <= set(seen.missing):  # the right to look whether it is there, too
        return (
            f"namespace {namespace} of LITELLMDB_WATCH_NAMESPACES does not exist, or nothing is granted in it: create "
            f"it, and {_GRANTED_BY}; it is served as soon as it is there"
        )
    return None


def _of_namespace(namespace: str | None, seen: Seen) -> Iterator[str]:
    needed = set(needs_in(namespace))
    missing = [need for need in seen.missing if need in needed]
    if namespace is None and len(missing) == len(needed):
        yield f"the operator may do nothing in any namespace, so that nothing works: {_GRANTED_BY}"
    else:
        yield from map(_tell, missing)


def _tell(need: Need, *, granted_by: str = _GRANTED_BY) -> str:
    right = need.right
    kind = ".".join(filter(None, (right.kind.plural, right.kind.group)))
    resource = "/".join(filter(None, (kind, right.subresource)))
    where = "in any namespace" if need.namespace is None else f"in namespace {need.namespace}"
    return f"the operator may not {need.verb} {resource} {where}, so that {right.without}: {granted_by}"


def _is_own(need: Need, place: Place) -> bool:
    return need in set(needs_of_its_own(place.own, has_identity=place.has_identity))


def _plurals() -> frozenset[str]:
    return frozenset(kind.plural for kind in _SPECS)


def _versions_of(plural: str, seen: Seen) -> list[str]:
    return sorted(version for version, plurals in seen.served.items() if plural in plurals)


def _crd(plural: str) -> str:
    return f"{plural}.{names.GROUP}"

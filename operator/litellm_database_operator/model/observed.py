"""What a look at the world found, before anything is decided.

Filled by reconcile/observe.py from postgres/ and kube/; read by planning/. Nothing here holds a connection.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from litellm_database_operator.model.migration import RunMode
from litellm_database_operator.model.names import RoleName
from litellm_database_operator.model.roles import Grant, Mark, Membership, Role
from litellm_database_operator.model.secret import Endpoint, Password


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceFacts:
    """A namespace."""

    uid: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """A PostgreSQL server, as its admin sees it."""

    version_num: int
    """server_version_num: 160004 is 16.4."""
    version: str
    system_identifier: str
    in_recovery: bool
    admin: RoleName
    superuser: bool
    missing_privileges: tuple[str, ...]
    """Of CREATEDB and CREATEROLE, those that the admin lacks."""

    @property
    def major(self) -> int:
        """The major version: 16."""
        return self.version_num // 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """A database, as pg_database has it."""

    owner: RoleName
    public_rights: frozenset[str]
    """Of CONNECT, TEMPORARY and CREATE, those that PUBLIC has."""
    connecting: frozenset[RoleName]
    """Roles that were granted CONNECT by name."""
    valid: bool
    """False for a half-dropped one (datconnlimit -2)."""
    accepts_connections: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogFacts:
    """What the maintenance database's shared catalogues say of one resource's database and roles."""

    roles: Mapping[RoleName, Role]
    migrator_unlocked: bool
    """The migrator's login has a password and may log in: a run was begun and not yet closed."""
    memberships: frozenset[Membership]
    """Who may act as one of the resource's roles."""
    mark: Mark | None
    """Of the owner role; None when there is no such role, or no mark of ours on it."""
    database: DatabaseFacts | None
    grants: frozenset[Grant] = frozenset()
    """What the resource's roles were put into, by whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The last comparison of the database with one bundle, out of our own history."""

    at: datetime
    missing: tuple[str, ...]
    """What it found missing: nothing, when the database was verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A run that applied migrations, or was cut off while it did, out of our own history."""

    at: datetime
    names: frozenset[str]
    """Files that it was to apply."""
    breaks: bool
    """Something that an older proxy uses was dropped, renamed or retyped, or that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideFacts:
    """What the app's login sees in its database."""

    finished: frozenset[str]
    """Names in Prisma's ledger with finished_at and without rolled_back_at."""
    unfinished: frozenset[str]
    views: frozenset[str]
    """Views in the schema."""
    tables: frozenset[str] = frozenset()
    """Tables in the schema, partitions and members of extensions left out."""
    judged: Mapping[str, Judged] = field(default_factory=dict[str, Judged])
    """By the bundle's digest."""
    changes: tuple[Change, ...] = ()
    """Oldest first."""
    last_finished: datetime | None = None
    """When the newest row of the ledger was finished."""
    history: frozenset[str] = frozenset()
    """Names of our own history's migrations that are applied."""

    @property
    def verified(self) -> frozenset[str]:
        """Digests of the bundles that the database has everything of, as far as the last comparison can tell."""
        return frozenset(digest for digest in self.judged if (found := self.comparison(digest)) and not found.missing)

    def comparison(self, digest: str) -> Judged | None:
        """Return the last comparison with a bundle; None where none was made, or something was applied since."""
        judged = self.judged.get(digest)
        return None if judged is None or any(change.at > judged.at for change in self.changes) else judged


class LoginState(StrEnum):
    """What became of logging in with the published password."""

    UNTRIED = "Untried"
    """There was nothing to log in with, or to."""
    WORKS = "Works"
    REFUSED = "Refused"
    """28P01, or a role that may not log in: the password or the role is not what it should be."""
    CROWDED = "Crowded"
    """Too many connections for the role or the server: nothing speaks against the password."""
    SHUT_OUT = "ShutOut"
    """The password is right, and the role may not CONNECT to the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFacts:
    """A Secret of a name that the resource uses."""

    ours: bool
    """Our label and the resource's uid as its controller."""
    predecessor: bool
    """Ours, of a resource of this name that is gone: the garbage collector is on its way to it."""
    data: Mapping[str, str] = field(repr=False)
    type: str
    name: str
    uid: str
    resource_version: str
    system_identifier: str | None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])

    def password(self, key: str) -> Password | None:
        """Return the password under `key`, or None when there is none."""
        text = self.data.get(key)
        return Password(text) if text else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """Why the pod of a Job does not run, in the cluster's words, or what it left behind."""

    waiting: str | None
    """Reason of a waiting container (ErrImagePull), or Unschedulable."""
    message: str
    termination_message: str | None
    exit_code: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """A migration Job."""

    name: str
    uid: str
    ours: bool
    target: str
    """Digest that it goes to."""
    ledger: str
    """Fingerprint of the ledger that it started from."""
    retry: str
    mode: RunMode
    gate: str
    """Fingerprint of policy, approval and engine that it runs under."""
    proof: str
    """Which of the comparisons that are made from time to time it is; empty for none of them."""
    template: str
    """Fingerprint of what its pod was made from."""
    created: datetime
    finished: bool
    succeeded: bool
    going: bool
    """It has a deletionTimestamp."""
    refused: str | None
    """Why the Job controller could make no pod (quota, admission), in the cluster's words."""
    deadline_exceeded: bool
    pod: PodFacts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Everything that one pass over a LiteLLMDatabase looked at."""

    endpoint: Endpoint
    server_key: str
    """namespace/name of the PostgresServer."""
    server: ServerFacts
    catalog: CatalogFacts
    secret: SecretFacts | None
    former_secret: SecretFacts | None
    """The one published before spec.secret.name was changed."""
    ca: str | None
    """PEM of the server's CA, when it has one."""
    ca_secret: SecretFacts | None
    former_ca_secret: SecretFacts | None
    login: LoginState
    inside: InsideFacts | None
    """None when the app could not look."""
    jobs: tuple[JobFacts, ...]
    """Newest first; not looked for while ledger and views are complete."""
    connections_allowed: int | None = None
    """limits.connectionsPerDatabase of the PostgresServer."""
    may_migrate: bool
    """A run of the server's limits.concurrentMigrations is free, or this database's already."""
    recorded_system_identifier: str | None
    """Where the database was once made, by status or the published Secret."""

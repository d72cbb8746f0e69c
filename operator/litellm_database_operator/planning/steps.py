"""The steps that a plan is made of; reconcile/apply.py carries out each.

A step may count on what was observed and on the steps before it in the same plan. All are safe when two
operators run them, and when a crash makes a later pass run them again.
"""

from dataclasses import dataclass

from litellm_database_operator.model.migration import Engine, Policy, RunMode
from litellm_database_operator.model.names import DatabaseName, RoleName, RoleNames, SchemaName
from litellm_database_operator.model.resource import PodTemplate
from litellm_database_operator.model.roles import Grant, Mark, Membership, Role
from litellm_database_operator.model.secret import Binding, Password
from litellm_database_operator.model.secret_metadata import KEEPING_ALL, SecretMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeRoles:
    """Make and mend roles, memberships and the mark, in one transaction."""

    create: tuple[Role, ...]
    alter: tuple[Role, ...]
    """Roles that differ, as they should be."""
    grant: tuple[Membership, ...]
    deprive: tuple[Role, ...] = ()
    """Roles with the attributes that are taken from them."""
    revoke: tuple[Grant, ...] = ()
    mark: Mark | None
    """The comment for `owner`, where it has to be written."""
    owner: RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDatabase:
    """CREATE DATABASE from template0, owned by the admin; and PUBLIC loses what it has there."""

    database: DatabaseName


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareDatabase:
    """In a database that no login may enter yet: schema and its owner, default privileges, our own schema.

    Ends with GRANT CONNECT, which is what says that it was done.
    """

    database: DatabaseName
    schema: SchemaName
    roles: RoleNames


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendHistory:
    """In a database that is in use: what our own schema lacks of this operator's history, and the rights on it."""

    database: DatabaseName
    roles: RoleNames
    needed: bool
    """The steps after it need it. Where not, a fault of it is no reason to end the pass: the next look tries again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitLogins:
    """GRANT CONNECT, where somebody took it from the logins of a database that is in use; the inside is not touched."""

    database: DatabaseName
    roles: RoleNames


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictDatabase:
    """Take from PUBLIC what it should not have."""

    database: DatabaseName


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSecret:
    """Create the published Secret, or bring it back to what it should hold."""

    name: str
    binding: Binding
    system_identifier: str
    replaces: str | None
    """resourceVersion of the one that is there and ours; None creates."""
    metadata: SecretMetadata = KEEPING_ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishCa:
    """Create the Secret with the server's CA, or bring it back to what it should hold."""

    name: str
    certificate: str
    replaces: str | None
    metadata: SecretMetadata = KEEPING_ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSecret:
    """Remove a Secret of ours that is published under another name now."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPassword:
    """Give a login a password; it is in the published Secret already."""

    login: RoleName
    password: Password


@dataclass(frozen=True, slots=True, kw_only=True)
class StartMigration:
    """Unlock the migrator's login, hand its password to the Job by a Secret, start the Job."""

    job: str
    bundle: str
    target: str
    ledger: str
    retry: str
    mode: RunMode
    policy: Policy
    approved: str | None
    """The digest of the plan that was approved."""
    engine: Engine
    gate: str
    """Fingerprint of the three above, as far as they concern the mode."""
    proof: str
    """Which of the comparisons that are made from time to time it is; empty for none of them."""
    template: str
    """Fingerprint of what the pod is made from."""
    deadline: int
    """Seconds."""
    binding: Binding
    """Of the migrator's login, with a new password."""
    ca: str | None
    """PEM of the server's CA, when it has one."""
    app: RoleName
    """The group that must not write the ledger."""
    server: str
    """namespace/name of the PostgresServer, by which its running migrations are counted."""
    pod_template: PodTemplate
    replaces: tuple[str, ...]
    """Names of finished Jobs of the same mode, which go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseMigration:
    """End the migrator's sessions, delete its Secret, lock its login: in this order, the lock says it is done."""

    migrator: RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteJobs:
    """End the Jobs of a resource that goes, or one whose pod cannot start as it was asked for."""

    jobs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDatabase:
    """Lock every login, end their sessions, mark the database as released: `Retain`."""

    roles: RoleNames
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class DropDatabase:
    """DROP DATABASE WITH (FORCE), then its roles: `Delete`. Only what bears our mark comes here."""

    database: DatabaseName
    roles: tuple[RoleName, ...]
    """Those that exist."""
    exists: bool
    """Whether the database does."""


PostgresStep = (
    ShapeRoles
    | CreateDatabase
    | PrepareDatabase
    | ExtendHistory
    | AdmitLogins
    | RestrictDatabase
    | SetPassword
    | ReleaseDatabase
    | DropDatabase
)
"""Done by the server's admin alone."""
ClusterStep = PublishSecret | PublishCa | DeleteSecret | StartMigration | CloseMigration | DeleteJobs
"""Done at the API server, two of them with a change of the migrator's login between."""
Step = PostgresStep | ClusterStep

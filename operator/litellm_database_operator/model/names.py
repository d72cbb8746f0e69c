"""Every name that this product gives to something, in one place: docs/spec/names.md is its prose.

Nothing here looks at the world; planning and the gateways call it, and so do the tests.
"""

import hashlib
from dataclasses import dataclass
from typing import Final, NewType

DatabaseName = NewType("DatabaseName", str)
RoleName = NewType("RoleName", str)
SchemaName = NewType("SchemaName", str)

GROUP: Final = "litellmdb.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
DATABASE_KIND: Final = "LiteLLMDatabase"
DATABASE_PLURAL: Final = "litellmdatabases"
SERVER_KIND: Final = "PostgresServer"
SERVER_PLURAL: Final = "postgresservers"

DATABASE_FINALIZER: Final = f"{GROUP}/database"
SERVER_FINALIZER: Final = f"{GROUP}/server"

MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "litellm-database-operator"
DATABASE_LABEL: Final = f"{GROUP}/database"
"""On every object made for a LiteLLMDatabase: its name."""
SERVER_LABEL: Final = f"{GROUP}/server"
"""On every object made for an embedded PostgresServer: its name."""
COMPONENT_LABEL: Final = "app.kubernetes.io/component"

RETRY_ANNOTATION: Final = f"{GROUP}/retry"
ABANDON_ANNOTATION: Final = f"{GROUP}/abandon"
SYSTEM_IDENTIFIER_ANNOTATION: Final = f"{GROUP}/system-identifier"
"""On the published Secret: which server the database was made on; its presence says that it was made."""
LABELS_ANNOTATION: Final = f"{GROUP}/labels"
"""On the published Secret and its CA's: the keys of the labels that spec.secret set, joined by commas."""
ANNOTATIONS_ANNOTATION: Final = f"{GROUP}/annotations"
"""On the published Secret and its CA's: the keys of the annotations that spec.secret set, joined by commas."""
TARGET_ANNOTATION: Final = f"{GROUP}/target"
"""On a migration Job: the digest of the bundle it goes to."""
RETRY_OF_ANNOTATION: Final = f"{GROUP}/retry-of"
"""On a migration Job: the value of the retry annotation it was started under."""
ON_SERVER_ANNOTATION: Final = f"{GROUP}/on-server"
"""On a migration Job: namespace/name of the PostgresServer that it works on."""
TEMPLATE_ANNOTATION: Final = f"{GROUP}/template"
"""On a migration Job: the fingerprint of image and spec.migration.podTemplate that its pod was made from."""
LEDGER_ANNOTATION: Final = f"{GROUP}/ledger"
"""On a migration Job: the fingerprint of the ledger it starts from."""
MODE_ANNOTATION: Final = f"{GROUP}/mode"
"""On a migration Job: Migrate or Preview; Migrate where it is not there."""
GATE_ANNOTATION: Final = f"{GROUP}/gate"
"""On a migration Job: the fingerprint of policy, approval and engine; that of their defaults where it is not there."""
PROOF_ANNOTATION: Final = f"{GROUP}/proof"
"""On a migration Job that only compares: which comparison, in time, it is."""

OPERATOR_SCHEMA: Final = SchemaName("litellm_operator")
LEDGER_TABLE: Final = "_prisma_migrations"
CA_MOUNT_PATH: Final = "/etc/litellmdb/ca.crt"

MAX_DATABASE_BYTES: Final = 53
"""PostgreSQL cuts names at 63 bytes; the longest suffix of ours, `_migrator`, leaves room for one more."""
_HASH_LENGTH: Final = 8


def database_name(*, namespace: str, name: str) -> DatabaseName:
    """Return the default name of a resource's database: `<namespace>_<name>`, cut with a hash.

    Kubernetes names cannot hold `_`, so that no two resources share one name; the `__` before a hash keeps a cut
    name from being another resource's whole one.
    """
    full = f"{namespace}_{name}"
    if len(full.encode()) <= MAX_DATABASE_BYTES:
        return DatabaseName(full)
    end = f"__{hashlib.sha256(full.encode()).hexdigest()[:_HASH_LENGTH]}"
    begin = full.encode()[: MAX_DATABASE_BYTES - len(end)].decode(errors="ignore")
    return DatabaseName(begin + end)


def foreign_prefix(namespace: str) -> str:
    """Return what a database's name begins with on a server of another namespace."""
    return f"{namespace}_"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleNames:
    """The roles of one database."""

    owner: RoleName
    """NOLOGIN; owns the schema and what is in it; carries the mark."""
    migrator: RoleName
    """Logs in only while a migration runs, and acts as the owner."""
    app: RoleName
    """NOLOGIN; the rights of the proxy."""
    app_a: RoleName
    app_b: RoleName

    def all(self) -> tuple[RoleName, ...]:
        """Return them in the order in which they are made."""
        return (self.owner, self.migrator, self.app, self.app_a, self.app_b)

    def logins(self) -> tuple[RoleName, RoleName]:
        """Return the two that the proxy logs in as, in turn."""
        return (self.app_a, self.app_b)


def role_names(database: DatabaseName) -> RoleNames:
    """Return the names of the roles of a database."""
    return RoleNames(
        owner=RoleName(f"{database}_owner"),
        migrator=RoleName(f"{database}_migrator"),
        app=RoleName(f"{database}_app"),
        app_a=RoleName(f"{database}_app_a"),
        app_b=RoleName(f"{database}_app_b"),
    )


def published_secret(name: str) -> str:
    """Return the default name of the Secret published for a LiteLLMDatabase."""
    return f"{name}-db"


def ca_secret(published: str) -> str:
    """Return the name of the Secret that holds the server's CA beside a published Secret."""
    return f"{published}-ca"


def migrator_secret(name: str) -> str:
    """Return the name of the Secret that the migration Job mounts; it exists while a migration runs."""
    return f"{name}-migrator"


def job_name(name: str, *identity: str) -> str:
    """Return the name of the migration Job for what `identity` says (uid, target, ledger, retry, mode, gate, proof).

    The same question gives the same name, so that nothing runs twice for it; a LiteLLMDatabase's
    name has at most 40 characters, which keeps this below a Job's 63.
    """
    digest = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:_HASH_LENGTH]
    return f"{name}-migrate-{digest}"


def embedded(name: str) -> str:
    """Return the name of the StatefulSet, Service and NetworkPolicy of an embedded PostgresServer."""
    return f"{name}-postgres"


def embedded_admin_secret(name: str) -> str:
    """Return the name of the Secret with the generated admin password of an embedded server."""
    return f"{name}-postgres-admin"


def embedded_claim(name: str) -> str:
    """Return the name of the PersistentVolumeClaim that the StatefulSet's template makes."""
    return f"data-{embedded(name)}-0"

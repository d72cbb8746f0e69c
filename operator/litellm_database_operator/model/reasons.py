"""Every reason that a condition, and the Event that goes with it, can carry.

docs/spec/reasons.md says of each what Ready, Reconciling and Stalled are and when it is looked at again,
docs/operations/troubleshooting.md where to look and what a person does; a test compares.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A CamelCase word for one state, the same in conditions and Events."""

    # All is well, or on its way
    UP_TO_DATE = "UpToDate"
    AVAILABLE = "Available"
    PROVISIONING = "Provisioning"
    PROVISIONED = "Provisioned"
    PUBLISHED = "Published"
    MIGRATING = "Migrating"
    MIGRATED = "Migrated"
    PENDING = "Pending"
    HEALTHY = "Healthy"
    STARTING = "Starting"
    SUSPENDED = "Suspended"
    DELETING = "Deleting"
    IN_USE = "InUse"
    SETTLED = "Settled"

    # A server that does not answer as it should: passing, with back-off
    SERVER_NOT_AVAILABLE = "ServerNotAvailable"
    SERVER_NOT_READY = "ServerNotReady"
    SERVER_UNREACHABLE = "ServerUnreachable"
    SERVER_READ_ONLY = "ServerReadOnly"
    SERVER_BUSY = "ServerBusy"
    ADMIN_SECRET_MISSING = "AdminSecretMissing"
    ADMIN_SECRET_INCOMPLETE = "AdminSecretIncomplete"
    ADMIN_LOGIN_REFUSED = "AdminLoginRefused"
    KUBERNETES_UNAVAILABLE = "KubernetesUnavailable"
    OBJECT_REFUSED = "ObjectRefused"
    LOGIN_FAILED = "LoginFailed"

    # A person must act
    INVALID_SPEC = "InvalidSpec"
    UNKNOWN_VERSION = "UnknownVersion"
    BUNDLE_INCOMPLETE = "BundleIncomplete"
    LIMIT_EXCEEDED = "LimitExceeded"
    NAME_NOT_ALLOWED = "NameNotAllowed"
    HOST_NOT_ALLOWED = "HostNotAllowed"
    TLS_FAILED = "TLSFailed"
    AUTHENTICATION_TOO_WEAK = "AuthenticationTooWeak"
    SERVER_TOO_OLD = "ServerTooOld"
    ADMIN_LACKS_PRIVILEGES = "AdminLacksPrivileges"
    RUNTIME_MAY_CREATE = "RuntimeMayCreate"
    DATABASE_NOT_OURS = "DatabaseNotOurs"
    ROLE_NOT_OURS = "RoleNotOurs"
    SECRET_NOT_OURS = "SecretNotOurs"
    OBJECT_NOT_OURS = "ObjectNotOurs"
    DATABASE_MISSING = "DatabaseMissing"
    SERVER_CHANGED = "ServerChanged"

    # The migration and its pod
    IMAGE_PULL_FAILED = "ImagePullFailed"
    POD_UNSCHEDULABLE = "PodUnschedulable"
    POD_REFUSED = "PodRefused"
    MIGRATION_FAILED = "MigrationFailed"
    MIGRATION_INTERRUPTED = "MigrationInterrupted"
    MIGRATION_DEADLINE_EXCEEDED = "MigrationDeadlineExceeded"
    REPORT_INVALID = "ReportInvalid"
    LEDGER_UNFINISHED = "LedgerUnfinished"
    AWAITING_APPROVAL = "AwaitingApproval"
    UNLEDGERED = "Unledgered"
    FOREIGN_TABLES = "ForeignTables"
    AHEAD_OF_TARGET = "AheadOfTarget"
    AHEAD_AND_COMPATIBLE = "AheadAndCompatible"
    SCHEMA_INCOMPLETE = "SchemaIncomplete"

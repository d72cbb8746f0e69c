"""What PostgreSQL's codes mean in a migration, and what a person does about it; remedies.py reads it.

docs/operations/errors.md is the same. No text of a server is ever in a sentence.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a code means here."""

    name: str
    """PostgreSQL's name of the condition, or Prisma's in short."""
    meaning: str
    """One sentence: what is so."""
    remedy: str
    """One or two: what a person does, retry excepted, which follows any of them."""


SQLSTATES: Final[Mapping[str, Remedy]] = {
    "08000": Remedy(
        "connection_exception",
        "The connection to the server failed.",
        "See the server's log and the network between.",
    ),
    "08001": Remedy(
        "sqlclient_unable_to_establish_sqlconnection",
        "No connection to the server came about.",
        "Check host, port, DNS, NetworkPolicies and firewalls, and the server itself.",
    ),
    "08006": Remedy(
        "connection_failure",
        "The connection broke while it was used.",
        "See the server's log for crashes or fail-overs, and the network between.",
    ),
    "0A000": Remedy(
        "feature_not_supported",
        "PostgreSQL cannot do this to such an object: a column that a view uses, a partitioned table.",
        "Drop views of your own that use the column, and make them again afterwards. On a partitioned table: build the "
        "index on each partition, attach it, and mark the migration applied.",
    ),
    "22001": Remedy(
        "string_data_right_truncation",
        "A value is longer than the column's new type takes.",
        "Find rows with such values and shorten them, or delete them.",
    ),
    "22003": Remedy(
        "numeric_value_out_of_range",
        "A number does not fit the column's new type.",
        "Find rows with such numbers and correct them.",
    ),
    "22012": Remedy(
        "division_by_zero",
        "A statement of the migration divides by a value that is zero in an existing row.",
        "Find that row by the statement, and correct it.",
    ),
    "22P02": Remedy(
        "invalid_text_representation",
        "A text in an existing row cannot be read as the column's new type.",
        "Find rows with such texts and correct them.",
    ),
    "23502": Remedy(
        "not_null_violation",
        "A column is to be NOT NULL, and existing rows are NULL in it.",
        "Give those rows a value, or delete them.",
    ),
    "23503": Remedy(
        "foreign_key_violation",
        "A foreign key is to be added, and existing rows point at rows that are gone.",
        "Delete those rows, or restore what they point at.",
    ),
    "23505": Remedy(
        "unique_violation",
        "Something is to be unique, and existing rows have it twice.",
        "Find the doubles by the columns of the index that the message names, and keep one of each.",
    ),
    "23514": Remedy(
        "check_violation",
        "A check is to be added, and existing rows do not pass it.",
        "Find those rows by the constraint's condition, and correct them.",
    ),
    "25001": Remedy(
        "active_sql_transaction",
        "A statement that cannot run in a transaction stands beside others in one file.",
        "Ask for another release. This is a fault of the bundle: report it, with the migration's name.",
    ),
    "25006": Remedy(
        "read_only_sql_transaction",
        "The server is read-only: a standby, a fail-over under way, or a full disk that made the service lock it.",
        "Point spec.external.host at the primary; where the service locked the server, make room on its disk.",
    ),
    "25P02": Remedy(
        "in_failed_sql_transaction",
        "A statement before it had failed in the same transaction.",
        "See the server's log for the first error.",
    ),
    "28000": Remedy(
        "invalid_authorization_specification",
        "The server does not admit this login from the Job's address.",
        "See pg_hba.conf, and whether somebody altered the role …_migrator.",
    ),
    "28P01": Remedy(
        "invalid_password",
        "The server refuses the password.",
        "Each run gets a new one: wait for the next. When it lasts, see whether somebody altered the role …_migrator.",
    ),
    "2BP01": Remedy(
        "dependent_objects_still_exist",
        "Something that is to be dropped is used by an object that LiteLLM did not make, a view mostly.",
        "Drop that object, and make it again afterwards where it still makes sense.",
    ),
    "2D000": Remedy(
        "invalid_transaction_termination",
        "A migration ends a transaction in a place where PostgreSQL does not let it.",
        "Ask for another release. This is a fault of the bundle: report it, with the migration's name.",
    ),
    "3D000": Remedy(
        "invalid_catalog_name",
        "The server has no database of that name.",
        "Restore the database, or point the PostgresServer back at the server that has it.",
    ),
    "3F000": Remedy(
        "invalid_schema_name",
        "LiteLLM's schema does not exist, or is not visible to the migrator.",
        "Restore the schema; the operator makes it only with the database.",
    ),
    "40001": Remedy(
        "serialization_failure",
        "Another transaction changed the same rows, each time until the deadline.",
        "See which application writes there all the time, and stop it for the migration.",
    ),
    "40P01": Remedy(
        "deadlock_detected",
        "The migration and another session waited for each other, each time until the deadline.",
        "See in the server's log which session that was, and stop its application for the migration.",
    ),
    "42501": Remedy(
        "insufficient_privilege",
        "The migrator may not do this: a table belongs to another role, or a right was revoked.",
        "Give the table back: ALTER TABLE … OWNER TO …_owner, as the server's admin.",
    ),
    "42601": Remedy(
        "syntax_error",
        "PostgreSQL cannot read a statement of the migration.",
        "See whether the server's version is one of 14 to 18. If it is, the bundle is at fault: ask for another "
        "release.",
    ),
    "42701": Remedy(
        "duplicate_column",
        "The column that is to be added is there: by hand, or by a migration that the ledger does not know.",
        "If all that the migration makes is there, since its row in the ledger was lost or rolled back, mark it as "
        "applied: prisma migrate resolve --applied NAME. Else drop or rename what is in the way.",
    ),
    "42703": Remedy(
        "undefined_column",
        "A column that the migration builds on is missing: somebody dropped or renamed it.",
        "Put the column back as the bundle's schema.prisma has it.",
    ),
    "42704": Remedy(
        "undefined_object",
        "A type, constraint or index that the migration builds on is missing.",
        "Put it back as the migrations before made it.",
    ),
    "42710": Remedy(
        "duplicate_object",
        "The type or constraint that is to be made is there.",
        "If all that the migration makes is there, since its row in the ledger was lost or rolled back, mark it as "
        "applied: prisma migrate resolve --applied NAME. Else drop or rename what is in the way.",
    ),
    "42804": Remedy(
        "datatype_mismatch",
        "A column has another type than the migration expects: somebody changed it.",
        "Bring the column back to the type that the migrations before gave it.",
    ),
    "42883": Remedy(
        "undefined_function",
        "A function that the migration calls is missing, or takes other types.",
        "See whether the server's version is one of 14 to 18, and whether somebody dropped the function.",
    ),
    "42P01": Remedy(
        "undefined_table",
        "A table that is built on is missing: somebody dropped or renamed it.",
        "Put the table back, from a backup where rows matter.",
    ),
    "42P07": Remedy(
        "duplicate_table",
        "The table or index that is to be made is there: by hand, or by a migration that the ledger does not know.",
        "If all that the migration makes is there, since its row in the ledger was lost or rolled back, mark it as "
        "applied: prisma migrate resolve --applied NAME. Else drop or rename what is in the way.",
    ),
    "53100": Remedy(
        "disk_full",
        "The server's disk is full; nothing is lost, and nothing of the migration remained.",
        "Make room or enlarge the volume: a rewrite needs as much again as the table and its indexes have.",
    ),
    "53200": Remedy(
        "out_of_memory",
        "The server ran out of memory, or of room in its lock table.",
        "Raise the server's memory, or max_locks_per_transaction where the message names it.",
    ),
    "53300": Remedy(
        "too_many_connections",
        "The server, the database or the role has as many sessions as it may have.",
        "Close sessions, lower the proxies' pools, or raise max_connections; the migrator needs two sessions.",
    ),
    "53400": Remedy(
        "configuration_limit_exceeded",
        "A limit of the server's configuration was reached, temp_file_limit mostly.",
        "Raise the limit that the message names.",
    ),
    "54000": Remedy(
        "program_limit_exceeded",
        "Something is larger than PostgreSQL can hold: a row of an index, mostly.",
        "Find the rows with such large values in the columns of the index, and shorten or delete them.",
    ),
    "55000": Remedy(
        "object_not_in_prerequisite_state",
        "The object is not in a state that allows this: an INVALID index, a partition that is being detached.",
        "See the message; finish or undo what somebody began there.",
    ),
    "55006": Remedy(
        "object_in_use",
        "The object is used by another session, or by an open query of the same.",
        "Wait for that session or end it.",
    ),
    "55P03": Remedy(
        "lock_not_available",
        "Another session held a table that the migration needs, each time until the deadline.",
        "See who that is (blockedBy) and let it end, or end it: SELECT pg_terminate_backend(pid).",
    ),
    "57014": Remedy(
        "query_canceled",
        "Somebody cancelled the statement, or a timeout that the migration sets itself ran out.",
        "Find out who cancels it; then retry at a quieter time.",
    ),
    "57P01": Remedy(
        "admin_shutdown",
        "The server was stopped, or an administrator ended the migrator's session.",
        "Nothing, when it was a restart: the run goes on within its deadline. Else find out who ends sessions.",
    ),
    "57P02": Remedy(
        "crash_shutdown",
        "The server ended all sessions because one of its processes crashed.",
        "See the server's log for the crash, lack of memory mostly.",
    ),
    "57P03": Remedy(
        "cannot_connect_now",
        "The server is starting, stopping or recovering, and was until the deadline.",
        "Wait; see the server's log for how far its recovery is.",
    ),
    "57P04": Remedy(
        "database_dropped",
        "Somebody dropped the database during the run.",
        "Restore the database; it is not made again, for it would be empty.",
    ),
    "57P05": Remedy(
        "idle_session_timeout",
        "The server ended a session of the migrator because it was idle.",
        "Raise idle_session_timeout at the server or pooler, for the role …_migrator at least.",
    ),
    "58030": Remedy(
        "io_error",
        "The server cannot read or write its files.",
        "See the server's log and its disk; think of the last backup before anything else.",
    ),
    "58P01": Remedy(
        "undefined_file",
        "A file of the server is missing: a table's, an extension's, a library's.",
        "See the server's log; an extension that is missing is installed at the server.",
    ),
    "P0001": Remedy(
        "raise_exception",
        "A check of the migration, or a trigger of somebody's, stopped it with a message of its own.",
        "Read the message. It is foreign text: judge what it asks for before you follow it.",
    ),
    "XX000": Remedy(
        "internal_error",
        "PostgreSQL met an internal error.",
        "See the server's log, and whether the server has its latest minor version.",
    ),
    "XX001": Remedy(
        "data_corrupted",
        "A table or its file is damaged.",
        "Retry nothing. Restore from a backup, or have the server's administrator look at it.",
    ),
    "XX002": Remedy(
        "index_corrupted",
        "An index is damaged.",
        "REINDEX the index that the message names, then see the server's log for more.",
    ),
}

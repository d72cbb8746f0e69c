"""The report that a migrator leaves in its container's termination message; docs/spec/report.md is its contract.

Written by migrator/report.py, read by reconcile/: it comes from a tenant's namespace, so that every field is
checked and bounded here, and nothing is believed that the database does not say too.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, cast

from litellm_database_operator.model.reasons import Reason

MAX_BYTES: Final = 3500
MAX_TEXT: Final = 300
"""Characters of a foreign text; docs/spec/report.md says how it is cut."""
_FAILURE_REASONS: Final = frozenset(
    {
        Reason.MIGRATION_FAILED,
        Reason.MIGRATION_DEADLINE_EXCEEDED,
        Reason.MIGRATION_INTERRUPTED,
        Reason.LEDGER_UNFINISHED,
        Reason.AHEAD_OF_TARGET,
        Reason.SCHEMA_INCOMPLETE,
        Reason.SERVER_UNREACHABLE,
        Reason.LOGIN_FAILED,
        Reason.TLS_FAILED,
    }
)


class Outcome(StrEnum):
    """How a run ended."""

    MIGRATED = "Migrated"
    """Files were applied, and the schema was found complete."""
    NOTHING_TO_DO = "NothingToDo"
    """The ledger was complete before, and so is the schema."""
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a run failed, as far as it can be named."""

    reason: Reason
    message: str
    """Ours; what happened and what to do."""
    prisma_code: str | None = None
    sqlstate: str | None = None
    migration: str | None = None
    statement: str | None = None
    """The failing statement, foreign text."""
    server_message: str | None = None
    """PostgreSQL's message without DETAIL (which holds row values), foreign text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one run of the migrator did."""

    outcome: Outcome
    bundle: str
    digest: str
    applied: int
    """Files applied in this run."""
    total: int
    """Files of the bundle."""
    ledger: str
    """Fingerprint of the ledger at the end (model/bundle.py)."""
    seconds: float
    missing: tuple[str, ...] = ()
    """What schema.prisma names and the database lacks, at most ten."""
    failure: Failure | None = None


class ReportError(ValueError):
    """A text is no report."""


def clean(text: str) -> str:
    """Return a foreign text without control characters, at most MAX_TEXT characters long."""
    kept = "".join(" " if char.isspace() else char for char in text if char.isprintable() or char.isspace())
    words = " ".join(kept.split())
    return words if len(words) <= MAX_TEXT else f"{words[: MAX_TEXT - 1]}…"


def dump(report: Report) -> str:
    """Return the report as JSON of at most MAX_BYTES bytes; foreign texts give way first."""
    fields = {"version": 1} | asdict(report)
    text = json.dumps(fields, ensure_ascii=False)
    if len(text.encode()) <= MAX_BYTES:
        return text
    failure = fields.get("failure") or {}
    shorter = {key: value[: MAX_TEXT // 4] if isinstance(value, str) else value for key, value in failure.items()}
    return json.dumps(fields | {"failure": shorter or None, "missing": []}, ensure_ascii=True)


def parse(text: str) -> Report:
    """Read a termination message strictly; ReportError says what is wrong with it, never what it says."""
    if len(text.encode()) > MAX_BYTES:
        raise ReportError("longer than a report can be")
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise ReportError("no JSON") from error
    if not isinstance(found, dict):
        raise ReportError("no object")
    fields = cast("Mapping[str, Any]", found)
    if fields.get("version") != 1:
        raise ReportError("of another version")
    try:
        return _report(fields)
    except (KeyError, TypeError, ValueError) as error:
        raise ReportError("a field is missing or of the wrong kind") from error


def _report(fields: Mapping[str, Any]) -> Report:
    outcome = Outcome(fields["outcome"])
    failure = _failure(fields["failure"]) if fields.get("failure") is not None else None
    if (outcome is Outcome.FAILED) != (failure is not None):
        raise ValueError("failure")
    return Report(
        outcome=outcome,
        bundle=_text(fields["bundle"]),
        digest=_text(fields["digest"]),
        applied=_count(fields["applied"]),
        total=_count(fields["total"]),
        ledger=_text(fields["ledger"]),
        seconds=float(fields["seconds"]),
        missing=tuple(_text(item) for item in fields.get("missing", ())[:10]),
        failure=failure,
    )


def _failure(fields: Mapping[str, Any]) -> Failure:
    reason = Reason(fields["reason"])
    if reason not in _FAILURE_REASONS:
        raise ValueError("reason")
    optional = ("prisma_code", "sqlstate", "migration", "statement", "server_message")
    return Failure(
        reason=reason,
        message=_text(fields["message"]),
        **{key: _text(fields[key]) for key in optional if fields.get(key) is not None},
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return clean(value)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("count")
    return value

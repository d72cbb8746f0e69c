"""The report that a migrator leaves in its container's termination message; docs/spec/report.md is its contract.

Written by migrator/, read by planning/verdict.py: it comes from a tenant's namespace, so that every field is checked
and bounded here, and nothing is believed that the database does not say too.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final, cast

from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.schema_state import SchemaState

MAX_BYTES: Final = 3500
MAX_TEXT: Final = 300
"""Characters of a text; docs/spec/report.md says how it is cut."""
MAX_MISSING: Final = 10
MAX_LINES: Final = 3
"""Statements of each kind that a plan's summary names."""
_MAX_NAME: Final = 80
"""Characters of a version or a digest."""
_MAX_NUMBER: Final = 2**31 - 1
"""What status can hold (int32): with more, the API server would take none of it."""
_VERSION: Final = 1
_SHORTER: Final = (MAX_TEXT, 150, 75, 30)
"""Characters to which texts give way, one after the other, until a report fits."""
_PRISMA_CODE: Final = re.compile(r"P\d{4}")
_SQLSTATE: Final = re.compile(r"[0-9A-Z]{5}")
PLAN_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{16}")
_FAILURE_REASONS: Final = frozenset(
    {
        Reason.MIGRATION_FAILED,
        Reason.MIGRATION_DEADLINE_EXCEEDED,
        Reason.MIGRATION_INTERRUPTED,
        Reason.LEDGER_UNFINISHED,
        Reason.UNLEDGERED,
        Reason.FOREIGN_TABLES,
        Reason.AHEAD_OF_TARGET,
        Reason.SCHEMA_INCOMPLETE,
        Reason.SERVER_UNREACHABLE,
        Reason.SERVER_READ_ONLY,
        Reason.SERVER_BUSY,
        Reason.DATABASE_MISSING,
        Reason.LOGIN_FAILED,
        Reason.TLS_FAILED,
    }
)


class Outcome(StrEnum):
    """How a run ended."""

    MIGRATED = "Migrated"
    """Something was applied or built, and the schema was found complete."""
    NOTHING_TO_DO = "NothingToDo"
    """The ledger was complete before, and so is the schema."""
    AWAITING_APPROVAL = "AwaitingApproval"
    """There is something to do, which waits for an approval; `applied` says what was done before that."""
    PLANNED = "Planned"
    """A preview: the plan was made, and nothing was changed."""
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """A plan, as short as a report must be; docs/spec/plan.md says what the whole of it is and where it lies."""

    digest: str
    """sha256:… of the plan; what spec.migration.approvedPlan names."""
    pending: int
    """Files to apply."""
    first: str | None = None
    """The first of them."""
    loses: tuple[str, ...] = ()
    """The first statements that lose rows which exist, one line each."""
    loses_total: int = 0
    blocks: tuple[str, ...] = ()
    """The first statements that stop reads or writes for longer than a moment, worst first, one line each."""
    blocks_total: int = 0
    breaks: bool = False
    """Something that an older proxy uses is dropped, renamed or retyped."""

    def cleaned(self, limit: int = MAX_TEXT) -> "PlanSummary":
        """Return it with every text fit to be shown."""
        return replace(
            self,
            first=self.first and clean(self.first, limit),
            loses=tuple(clean(line, limit) for line in self.loses[:MAX_LINES]),
            blocks=tuple(clean(line, limit) for line in self.blocks[:MAX_LINES]),
        )


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
    blocked_by: str | None = None
    """Who held the lock that the run waited for, foreign text."""

    def cleaned(self, limit: int = MAX_TEXT) -> "Failure":
        """Return it with every text fit to be shown."""
        texts = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "reason"}
        return replace(self, **{name: text and clean(text, limit) for name, text in texts.items()})


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
    """What schema.prisma names and the database lacks, the first ten."""
    state: SchemaState | None = None
    """What the database was when the run began."""
    plan: PlanSummary | None = None
    failure: Failure | None = None

    def cleaned(self, limit: int = MAX_TEXT) -> "Report":
        """Return it with every foreign text fit to be shown."""
        return replace(
            self,
            bundle=clean(self.bundle, _MAX_NAME),
            digest=clean(self.digest, _MAX_NAME),
            missing=tuple(clean(name, limit) for name in self.missing[:MAX_MISSING]),
            plan=self.plan and self.plan.cleaned(limit),
            failure=self.failure and self.failure.cleaned(limit),
        )


class ReportError(ValueError):
    """A text is no report."""


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Return a foreign text on one line, without control characters, at most `limit` characters long."""
    if len(text) <= limit and text.isprintable() and " ".join(text.split()) == text:
        return text  # as nearly all are
    kept = "".join(" " if char.isspace() else char for char in text if char.isprintable() or char.isspace())
    words = " ".join(kept.split())
    return words if len(words) <= limit else f"{words[: limit - 1]}…"


def dump(report: Report) -> str:
    """Return the report as JSON of at most MAX_BYTES bytes; the texts of its failure give way until it fits."""
    tries = (_json(report.cleaned(limit)) for limit in _SHORTER)
    return next(text for text in tries if len(text.encode()) <= MAX_BYTES)


def parse(text: str) -> Report:
    """Read a termination message strictly; ReportError says what is wrong with it, never what it says."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise ReportError("longer than a report can be")
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportError("no JSON") from error
    if not isinstance(found, dict):
        raise ReportError("no object")
    told = cast("Mapping[str, Any]", found)
    if told.get("version") != _VERSION:
        raise ReportError("of another version")
    try:
        return _report(told)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ReportError("a field is missing or of the wrong kind") from error


def _json(report: Report) -> str:
    return json.dumps({"version": _VERSION} | asdict(report), ensure_ascii=False)


def _report(told: Mapping[str, Any]) -> Report:
    report = Report(
        outcome=Outcome(told["outcome"]),
        bundle=_text(told["bundle"]),
        digest=_text(told["digest"]),
        applied=_count(told["applied"]),
        total=_count(told["total"]),
        ledger=_matching(_FINGERPRINT, told["ledger"]),
        seconds=_seconds(told["seconds"]),
        missing=_texts(told.get("missing", [])),
        state=None if told.get("state") is None else SchemaState(told["state"]),
        plan=None if told.get("plan") is None else _plan(told["plan"]),
        failure=None if told.get("failure") is None else _failure(told["failure"]),
    )
    if (report.outcome is Outcome.FAILED) != (report.failure is not None):
        raise ValueError("outcome and failure disagree")
    return report


def _plan(told: Mapping[str, Any]) -> PlanSummary:
    return PlanSummary(
        digest=_matching(PLAN_DIGEST, told["digest"]),
        pending=_count(told["pending"]),
        first=None if told.get("first") is None else _text(told["first"]),
        loses=_texts(told["loses"])[:MAX_LINES],
        loses_total=_count(told["loses_total"]),
        blocks=_texts(told["blocks"])[:MAX_LINES],
        blocks_total=_count(told["blocks_total"]),
        breaks=told["breaks"] is True,
    )


def _failure(told: Mapping[str, Any]) -> Failure:
    reason = Reason(told["reason"])
    if reason not in _FAILURE_REASONS:
        raise ValueError("no reason of a migrator")
    code, sqlstate = told.get("prisma_code"), told.get("sqlstate")
    texts = ("migration", "statement", "server_message", "blocked_by")
    return Failure(
        reason=reason,
        message=_text(told["message"]),
        prisma_code=None if code is None else _matching(_PRISMA_CODE, code),
        sqlstate=None if sqlstate is None else _matching(_SQLSTATE, sqlstate),
        **{name: _text(told[name]) for name in texts if told.get(name) is not None},
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return clean(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return tuple(_text(item) for item in cast("list[object]", value)[:MAX_MISSING])


def _matching(pattern: re.Pattern[str], value: object) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError("of another form")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_NUMBER:
        raise TypeError("no count")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _MAX_NUMBER:
        raise TypeError("no duration")
    return float(value)

"""Turns what the judge tells of pending scripts into a plan's files: only what somebody could notice is kept. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from litellm_database_operator.migrator.content import Migration
from litellm_database_operator.migrator.plan.course import Course
from litellm_database_operator.migrator.plan.effect import Act, Effect, StatementEffects
from litellm_database_operator.migrator.plan.effects import decide
from litellm_database_operator.migrator.plan.plan import PlannedFile, PlannedStatement
from litellm_database_operator.migrator.plan.verdict import Question, Verdict
from litellm_database_operator.migrator.plan.wording import phrase, quoted

Ask = Callable[[Question], bool]
"""Tells whether rows exist that a statement would hit."""


def plan_files(
    pending: Sequence[Migration], scripts: Mapping[str, Sequence[StatementEffects]], course: Course, ask: Ask
) -> tuple[PlannedFile, ...]:
    """Plan the pending files in their order, from what the judge tells of each by name."""
    return tuple(_file(migration, scripts.get(migration.name, ()), course, ask) for migration in pending)


def _file(migration: Migration, script: Sequence[StatementEffects], course: Course, ask: Ask) -> PlannedFile:
    told = [tuple(_told(statement, course, ask)) for statement in script]
    return PlannedFile(
        name=migration.name,
        checksum=migration.checksum,
        statements=tuple(each for statement in told for each in statement),
        others=sum(not statement for statement in told),
    )


def _told(statement: StatementEffects, course: Course, ask: Ask) -> Iterator[PlannedStatement]:
    """Yield what a statement does; that it takes one lock for many things at once is said once."""
    locked: set[tuple[str | None, str | None]] = set()
    if _is_there(statement, course):
        return
    for effect in statement.effects:
        verdict = decide(effect, course)
        course.follow(effect)
        if not verdict.worth_saying:
            continue
        planned = _planned(statement, effect, verdict, ask)
        only_locks = not (planned.loses or planned.breaks or planned.long)
        if only_locks and (planned.table, planned.lock) in locked:
            continue
        locked.add((planned.table, planned.lock))
        yield planned


def _is_there(statement: StatementEffects, course: Course) -> bool:
    """Tell whether it is CREATE TABLE IF NOT EXISTS of a table that exists: its constraints are not made either."""
    return any(
        effect.act is Act.CREATE_TABLE and effect.if_not_exists and course.table(effect.table) is not None
        for effect in statement.effects
    )


def _planned(statement: StatementEffects, effect: Effect, verdict: Verdict, ask: Ask) -> PlannedStatement:
    size = verdict.table and verdict.table.size
    return PlannedStatement(
        kind=statement.kind,
        act=effect.act,
        object=".".join(quoted(name) for name in (effect.table, effect.name) if name),
        table=size and size.name,
        loses=verdict.loses,
        rows=any(map(ask, verdict.questions)) if verdict.questions else None,
        breaks=verdict.breaks,
        lock=verdict.lock,
        long=verdict.long,
        bytes=size and size.bytes,
        estimate=size and size.estimate,
        text=phrase(effect, statement.text),
        questions=verdict.questions,
    )

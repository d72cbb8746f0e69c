"""Asks the database whether rows exist that a statement would hit: for the plan, and once more before its file runs."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from psycopg import sql

from litellm_database_operator.migrator.errors import PlanOutdatedError, QueryError
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.look import Flag
from litellm_database_operator.migrator.plan.plan import PlannedFile
from litellm_database_operator.migrator.plan.verdict import Question
from litellm_database_operator.migrator.session import Session
from litellm_database_operator.model.names import SchemaName

_PATIENCE: Final = "5s"
_MORE_PATIENCE: Final = "10s"
"""Longer than the session's lock_timeout, so that it is known which of the two came to its end."""
_LOCKED: Final = "55P03"
_NO_LOCK_TIMEOUT: Final = sql.SQL("SET lock_timeout = 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Answers questions, each once. What cannot be told in time, or not at all, counts as yes."""

    session: Session
    schema: SchemaName
    _answers: dict[Question, bool] = field(default_factory=dict[Question, bool])

    def exist(self, question: Question) -> bool:
        """Tell whether there are such rows; ConnectionLostError when nobody can be asked any more."""
        if question not in self._answers:
            # Whoever waits to read is in nobody's way, so that one bound is enough.
            with _bounded(self.session, _PATIENCE, _NO_LOCK_TIMEOUT):
                self._answers[question] = _ask(self.session, self.schema, question)
        return self._answers[question]


def ask_again(session: Session, schema: SchemaName, file: PlannedFile) -> None:
    """Ask again what the plan of a file got a no for; PlanOutdatedError where there are rows by now.

    QueryError (55P03), which passes, while somebody holds such a table.
    """
    asked = [question for each in file.statements if each.rows is False for question in each.questions]
    if not asked:
        return
    with _bounded(session, _MORE_PATIENCE):
        for question in asked:
            if _ask(session, schema, question):
                raise PlanOutdatedError(
                    f"that {question.table} has no such rows, as the plan says, is not known any more"
                )


def exists(schema: SchemaName, question: Question) -> sql.Composed:
    """Return the query for a question; its row is a look.Flag."""
    hit = sql.SQL(" OR ").join(sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in question.columns)
    where = sql.SQL(" WHERE {}").format(hit) if question.columns else sql.SQL("")
    return sql.SQL("SELECT EXISTS (SELECT FROM {table}{where}) AS value").format(
        table=sql.Identifier(schema, question.table), where=where
    )


def _ask(session: Session, schema: SchemaName, question: Question) -> bool:
    try:
        return session.fetch(Flag, exists(schema, question))[0].value
    except QueryError as error:
        if error.sqlstate == _LOCKED:
            raise
        log("takes it that rows exist", table=question.table, sqlstate=error.sqlstate, text=error.message)
        return True


@contextmanager
def _bounded(session: Session, patience: str, *also: sql.SQL) -> Generator[None]:
    """Let no query take longer. After an error there is another try, which ends by the RESET, or a new session."""
    session.execute(sql.SQL("SET statement_timeout = {}").format(sql.Literal(patience)), *also)
    yield
    session.execute(sql.SQL("RESET statement_timeout"), sql.SQL("RESET lock_timeout"))

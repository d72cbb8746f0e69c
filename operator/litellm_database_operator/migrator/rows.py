"""Asks the database whether rows exist that a statement would hit."""

from dataclasses import dataclass, field
from typing import Final

from psycopg import sql

from litellm_database_operator.migrator.errors import QueryError
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.look import Flag
from litellm_database_operator.migrator.session import Session
from litellm_database_operator.migrator.verdict import Question
from litellm_database_operator.model.names import SchemaName

_PATIENCE: Final = "5s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Answers questions, each once. What cannot be told in time, or not at all, counts as yes."""

    session: Session
    schema: SchemaName
    _answers: dict[Question, bool] = field(default_factory=dict[Question, bool])

    def exist(self, question: Question) -> bool:
        """Tell whether there are such rows; ConnectionLostError when nobody can be asked any more."""
        if question not in self._answers:
            self._answers[question] = self._ask(question)
        return self._answers[question]

    def _ask(self, question: Question) -> bool:
        # Whoever waits to read is in nobody's way, so that one bound is enough.
        timeout = sql.SQL("SET statement_timeout = {}").format(sql.Literal(_PATIENCE))
        self.session.execute(timeout, sql.SQL("SET lock_timeout = 0"))
        try:
            answer = self.session.fetch(Flag, exists(self.schema, question))[0].value
        except QueryError as error:
            log("takes it that rows exist", table=question.table, sqlstate=error.sqlstate, text=error.message)
            answer = True
        self.session.execute(sql.SQL("RESET statement_timeout"), sql.SQL("RESET lock_timeout"))
        return answer


def exists(schema: SchemaName, question: Question) -> sql.Composed:
    """Return the query for a question; its row is a look.Flag."""
    hit = sql.SQL(" OR ").join(sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in question.columns)
    where = sql.SQL(" WHERE {}").format(hit) if question.columns else sql.SQL("")
    return sql.SQL("SELECT EXISTS (SELECT FROM {table}{where}) AS value").format(
        table=sql.Identifier(schema, question.table), where=where
    )

"""Compares what applied files made beyond schema.prisma with what stands in the database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, LiteralString

from psycopg import sql

from litellm_database_operator.migrator.compare.beyond import Kind, Named, absent, made_by, to_read
from litellm_database_operator.migrator.content import Content
from litellm_database_operator.migrator.judge import AskedEffects, Judge, JudgeError
from litellm_database_operator.migrator.look import Seen
from litellm_database_operator.migrator.plan.effect import StatementEffects
from litellm_database_operator.migrator.session import Session
from litellm_database_operator.model.names import SchemaName

_NAMED: Final[LiteralString] = """
WITH home AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema})
SELECT 'trigger' AS kind, relname AS table, tgname AS name
FROM pg_catalog.pg_trigger JOIN pg_catalog.pg_class relation ON relation.oid = tgrelid
WHERE NOT tgisinternal AND relnamespace = (SELECT oid FROM home)
UNION ALL SELECT 'constraint', relname, conname
FROM pg_catalog.pg_constraint JOIN pg_catalog.pg_class relation ON relation.oid = conrelid
WHERE contype IN ('c', 'x') AND relnamespace = (SELECT oid FROM home)
UNION ALL SELECT 'function', NULL, proname
FROM pg_catalog.pg_proc WHERE pronamespace = (SELECT oid FROM home)
"""

Script = Sequence[StatementEffects] | None
"""What a script does; None for one that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of the scripts."""

    content: Content
    judge: Judge
    schema: SchemaName
    known: dict[str, Script] = field(default_factory=dict[str, Script])
    """By SHA-256. Whoever has asked the judge for another reason may add to it."""
    _asked: list[AskedEffects] = field(default_factory=list[AskedEffects])

    def ask(self, seen: Seen) -> None:
        """Have the judge read what is applied, and what is not yet, and do not wait."""
        applied = _applied(seen)
        pending = [each.checksum for each in self.content.migrations if each.name not in seen.finished]
        if unread := self._unread([*applied, *pending]):
            self._asked.append(self.judge.ask_effects(unread))

    def missing(self, session: Session, seen: Seen) -> tuple[str, ...]:
        """Name what the applied files made, as they stand in the ledger, and the database does not have.

        A file whose script no bundle of the library has may have done anything: what came before it is not demanded.
        """
        applied = _applied(seen)
        while self._asked:
            self._learn(self._asked.pop())
        while unread := self._unread(applied):
            self._learn(self.judge.ask_effects(unread))
        things = made_by(map(self._effects, applied), self.schema)
        return tuple(map(str, absent(things, frozenset(self._present(session, seen))))) if things else ()

    def _unread(self, checksums: Sequence[str]) -> Mapping[str, bytes]:
        """Choose what the judge has to be asked about, and keep in mind what cannot be read."""
        mine = {migration.checksum: migration.script for migration in self.content.migrations}
        scripts = {checksum: mine.get(checksum) or self.content.script(checksum) for checksum in checksums}
        self.known.update({checksum: None for checksum, script in scripts.items() if script is None})
        there = {checksum: script for checksum, script in scripts.items() if script is not None}
        return {checksum: script for checksum, script in to_read(there).items() if checksum not in self.known}

    def _effects(self, checksum: str) -> Script:
        """Return what a script does: nothing that counts, where it was not worth asking."""
        return self.known.get(checksum, ())

    def _learn(self, asked: AskedEffects) -> None:
        try:
            self.known.update({script.name: script.statements for script in asked.answer()})
        except JudgeError as error:
            if error.script is None:
                raise
            self.known[error.script] = None

    def _present(self, session: Session, seen: Seen) -> Iterator[Named]:
        """Yield what is there; that an index is not valid is told elsewhere."""
        for thing in seen.objects:
            if thing.kind in {"i", "I"}:
                yield Named(kind=Kind.INDEX, table=thing.table, name=thing.name)
        yield from session.fetch(Named, sql.SQL(_NAMED).format(schema=sql.Literal(self.schema)))


def _applied(seen: Seen) -> Sequence[str]:
    """Return the SHA-256 of each applied file, in the order in which they were applied."""
    return [row.checksum for row in seen.rows if row.finished and not row.rolled_back]

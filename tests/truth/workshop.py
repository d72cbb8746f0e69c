"""One server, and the databases on it that are made once and copied for each case: by psql, and by the migrator."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Final

import psycopg
from psycopg import sql

from tests.integration.migrator.place import PASSWORD, Place
from tests.support.postgres_server import Login, PostgresServer
from tests.truth import psql
from tests.truth.bundle_files import BundleFiles, File, read_bundle
from tests.truth.catalogue import Fact, read_catalogue, read_keys
from tests.truth.datamodel import Gap, find_gaps
from tests.truth.psql import Refused, Target
from tests.truth.verdict import Verdict, read_verdict
from tests.truth.witness import Comparison, compare, read_unrecorded

AWKWARD_SCHEMA: Final = 'My "LLM\\ schema'
_PLAIN: Final = "truth"
"""The prepared database, and what the names of its roles begin with: its copies belong to the same roles."""
_AWKWARD: Final = "awkward"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A database that stands still, to be copied and compared with."""

    database: str
    facts: frozenset[Fact]
    gaps: tuple[Gap, ...] = ()
    """What schema.prisma names, and psql found no file to make of."""
    refused: Refused | None = None
    """What psql could not run."""
    verdict: Verdict | None = None
    """What the migrator said, if it made this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A database that a case works on, prepared as the operator does it."""

    server: PostgresServer
    library: Path
    database: str
    place: Place

    def connect(self) -> psycopg.Connection:
        """Open a superuser's session in it, where the schema comes first."""
        session = self.server.connect(self.database)
        session.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(self.place.schema)))
        return session

    def migrate(self, version: str) -> Verdict:
        """Run the migrator's process to its end, and return its verdict."""
        job = f"truth-{next(_NUMBERS)}"
        ended = self.place.run(self.library, version, LITELLMDB_JOB=job)
        with self.connect() as session:
            return read_verdict(ended, session, job)

    def facts(self) -> frozenset[Fact]:
        """Read its catalogue."""
        with self.connect() as session:
            return read_catalogue(session, self.place.schema, roles=self.place.database)

    def compare(self, reference: Made, bundle: BundleFiles) -> Comparison:
        """Let the witness compare it with what psql made."""
        with self.connect() as session:
            unrecorded = read_unrecorded(session, self.place.schema, [file.name for file in bundle.files])
        return compare(self.facts(), reference=reference.facts, unrecorded=unrecorded, gaps=reference.gaps)


class Workshop:
    """A server of one major version."""

    def __init__(self, server: PostgresServer, library: Path) -> None:
        self.server = server
        self.library = library
        self._kept: dict[str, Future[Made]] = {}
        self._lock = Lock()
        self._places = {
            _PLAIN: Place(server=server, database=_PLAIN, schema="public", folder=Path()),
            _AWKWARD: Place(server=server, database=_AWKWARD, schema=AWKWARD_SCHEMA, folder=Path()),
        }
        for place in self._places.values():
            place.prepare()

    def bundle(self, version: str) -> BundleFiles:
        """Read a bundle."""
        return read_bundle(self.library, version)

    def reference(self, version: str) -> Made:
        """Return what psql makes of a bundle's files in an empty database; made once."""
        bundle = self.bundle(version)
        return self._once(f"psql {version}", partial(self._by_psql, _PLAIN, bundle, bundle.files))

    def upgrade_reference(self, old: str, new: str) -> Made:
        """Return what psql makes of the older bundle's files and then of the newer one's beyond them."""
        newer = self.bundle(new)
        made = self._by_psql(self.reference(old).database, newer, newer.after(self.bundle(old)))
        self.drop(made.database)
        return made

    def migrated(self, version: str) -> Made:
        """Return what the migrator makes of an empty database; made once."""
        return self._once(f"migrator {version}", partial(self._by_migrator, version))

    @contextmanager
    def trial(self, template: str | None = None, *, awkward: bool = False) -> Generator[Trial]:
        """Give a copy of a database, of the prepared one by default, and drop it after the case."""
        origin = _AWKWARD if awkward else _PLAIN
        name = self._copy(template or origin)
        try:
            yield self._trial(name, origin)
        finally:
            self.drop(name)

    def drop(self, database: str) -> None:
        """Drop a database that nobody asks for any more."""
        with self.server.connect() as session:
            session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def _once(self, key: str, make: Callable[[], Made]) -> Made:
        with self._lock:
            mine = key not in self._kept
            kept = self._kept.setdefault(key, Future())
        if mine:
            try:
                kept.set_result(make())
            except BaseException as error:  # noqa: BLE001 - raised in everyone who asks for it
                kept.set_exception(error)
        return kept.result()

    def _copy(self, template: str) -> str:
        name = f"copy_{next(_NUMBERS)}"
        names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
        with self.server.connect() as session:
            session.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))
        return name

    def _trial(self, database: str, origin: str) -> Trial:
        folder = Path(tempfile.mkdtemp(prefix=f"{database}-", dir=self.server.socket_folder))
        place = replace(self._places[origin], folder=folder, changes={"database": database})
        return Trial(server=self.server, library=self.library, database=database, place=place)

    def _by_psql(self, template: str, bundle: BundleFiles, files: tuple[File, ...]) -> Made:
        trial = self._trial(self._copy(template), _PLAIN)
        login = Login(user=f"{_PLAIN}_migrator", password=PASSWORD)
        where = Target(server=self.server, database=trial.database, login=login, folder=trial.place.folder)
        refused = psql.apply(where, bundle, files)
        with trial.connect() as session:
            keys = read_keys(session)
        facts = trial.facts()
        gaps = find_gaps(bundle.datamodel.read_text(), facts, keys)
        return Made(database=trial.database, facts=facts, gaps=gaps, refused=refused)

    def _by_migrator(self, version: str) -> Made:
        trial = self._trial(self._copy(_PLAIN), _PLAIN)
        verdict = trial.migrate(version)
        return Made(database=trial.database, facts=trial.facts(), verdict=verdict)


_NUMBERS: Final = itertools.count()
"""For names that are used once; next() of a count is one step, whichever thread asks."""

"""The judge, seen from Python: the only module that talks to engine/. docs/spec/judge-protocol.md is the contract."""

import json
import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self, TypedDict, Unpack

from litellm_database_operator.migrator.plan.effect import StatementEffects, read_statement
from litellm_database_operator.migrator.settings import Login

_GONE: Final = "the judge ended before it answered"


class _Facts(TypedDict, total=False):
    code: str | None
    sqlstate: str | None
    script: str | None
    position: int | None


class JudgeError(Exception):
    """The judge could not answer; `code` is Prisma's, `sqlstate` PostgreSQL's, each None where there is none.

    `script` and `position` say where a script does not parse, of several the first.
    """

    def __init__(self, message: str, **facts: Unpack[_Facts]) -> None:
        super().__init__(message)
        self.message = message
        self.code = facts.get("code")
        self.sqlstate = facts.get("sqlstate")
        self.script = facts.get("script")
        self.position = facts.get("position")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Prisma's judgement of a ledger against a bundle."""

    has_ledger: bool
    failed: tuple[str, ...]
    edited: tuple[str, ...]
    unapplied: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a script."""

    kind: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptEffects:
    """All that a script does, statement by statement."""

    name: str
    statements: tuple[StatementEffects, ...]


class AskedEffects:
    """A question that the judge works on while its asker does something else."""

    def __init__(self, judge: "Judge", number: int) -> None:
        self._judge = judge
        self._number = number

    def answer(self) -> tuple[ScriptEffects, ...]:
        """Wait for the answer and return it, once; JudgeError names the first script that does not parse."""
        found = self._judge.take(self._number)
        return tuple(
            ScriptEffects(name=item["name"], statements=tuple(map(read_statement, item["statements"])))
            for item in found["scripts"]
        )


class Judge:
    """A running judge; used as a context, so that it never outlives the run."""

    def __init__(self, *, node: str, engine: Path, login: Login) -> None:
        """Start it; what it is asked meanwhile waits in the pipe."""
        self._login = login
        self._asked = 0
        self._kept: dict[int, Mapping[str, Any] | None] = {}
        """Answers that somebody comes for later; None until they are there."""
        self._process = subprocess.Popen(
            [node, "--liftoff-only", engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # It needs no more of the environment; and what it does not have it cannot tell.
            env={"PATH": os.environ.get("PATH", os.defpath)},
        )
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        self._reader = Thread(target=self._read, name="judge", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it: it holds nothing that could be lost, and would take its time to end by itself."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def warm_up(self, scripts: Mapping[str, Path], datamodel: Path | None = None) -> None:
        """Have it answer once what it will be asked, and do not wait: first answers take a fifth of a second more.

        The answers are read away by whoever asks next. It looks at the ledger, which may change meanwhile. With
        `datamodel` it compares as well: for that it looks at all tables, and should be in nobody's way.
        """
        self._request("diagnose", self._about(scripts))
        self._request("parse", {"sql": ""})
        if datamodel is not None:
            self._request("compare", {"connection": self._connection(), "datamodel": str(datamodel)})

    def diagnose(self, scripts: Mapping[str, Path]) -> Diagnosis:
        """Judge the ledger against a bundle's migrations: where each one's script lies, by name."""
        found = self._ask("diagnose", self._about(scripts))
        return Diagnosis(
            has_ledger=found["hasMigrationsTable"],
            failed=tuple(found["failed"]),
            edited=tuple(found["edited"]),
            unapplied=tuple(found["unapplied"]),
            unknown=tuple(found["unknown"]),
        )

    def compare(self, datamodel: Path) -> tuple[str, ...]:
        """Name what schema.prisma has and the database lacks: `column LiteLLM_TeamTable.blocked`."""
        found = self._ask("compare", {"connection": self._connection(), "datamodel": str(datamodel)})
        return tuple(_difference(item) for item in found["missing"])

    def parse(self, script: str) -> tuple[Statement, ...]:
        """Split a script into its statements; JudgeError where it does not parse."""
        found = self._ask("parse", {"sql": script})
        return tuple(
            Statement(kind=item["kind"], start=item["start"], end=item["end"], text=item["text"])
            for item in found["statements"]
        )

    def effects(self, scripts: Mapping[str, bytes]) -> tuple[ScriptEffects, ...]:
        """Tell what scripts do, each by its name, in their order; JudgeError names the first that does not parse."""
        return self.ask_effects(scripts).answer()

    def ask_effects(self, scripts: Mapping[str, bytes]) -> AskedEffects:
        """Ask what scripts do, and do not wait: the answer is kept until it is fetched."""
        texts = [{"name": name, "sql": script.decode(errors="replace")} for name, script in scripts.items()]
        number = self._request("effects", {"scripts": texts})
        self._kept[number] = None
        return AskedEffects(self, number)

    def take(self, number: int) -> Mapping[str, Any]:
        """Wait for the answer to a request, and return its result; JudgeError where it is none."""
        answer = self._kept.pop(number, None) or self._receive_until(number)
        error = answer.get("error")
        if error is not None:
            facts = {name: error.get(name) for name in ("code", "sqlstate", "script", "position")}
            raise JudgeError(error["message"], **facts)
        return answer["result"]

    def _about(self, scripts: Mapping[str, Path]) -> Mapping[str, object]:
        migrations = [{"name": name, "path": str(path)} for name, path in scripts.items()]
        return {"connection": self._connection(), "migrations": migrations}

    def _connection(self) -> Mapping[str, object]:
        login = self._login
        return {
            "host": login.host,
            "port": login.port,
            "database": login.database,
            "user": login.username,
            "password": login.password.reveal(),
            "sslmode": login.tls,
            "schema": login.schema,
        } | ({} if login.ca is None else {"sslrootcert": str(login.ca)})

    def _ask(self, method: str, params: Mapping[str, object]) -> Mapping[str, Any]:
        return self.take(self._request(method, params))

    def _request(self, method: str, params: Mapping[str, object]) -> int:
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        return self._asked

    def _receive_until(self, number: int) -> Mapping[str, Any]:
        """Read answers up to a request's; those before are kept for who comes for them, and else nobody's.

        Nobody's are those of warm_up, and those whose asker was interrupted.
        """
        while (answer := self._receive())["id"] != number:
            if answer["id"] in self._kept:
                self._kept[answer["id"]] = answer
        return answer

    def _send(self, request: Mapping[str, object]) -> None:
        if self._process.stdin is None:
            raise JudgeError(_GONE)
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise JudgeError(_GONE) from error

    def _receive(self) -> Mapping[str, Any]:
        line = self._lines.get()
        if not line:
            self._lines.put(line)  # whoever asks next is told the same
            raise JudgeError(_GONE)
        return json.loads(line)

    def _read(self) -> None:
        """Take answers as they come: a judge that cannot write one reads no request, and its asker would wait."""
        while line := self._process.stdout.readline() if self._process.stdout is not None else b"":
            self._lines.put(line)
        self._lines.put(b"")


def _difference(item: Mapping[str, Any]) -> str:
    place = item["name"] if item["table"] is None else f"{item['table']}.{item['name']}"
    return f"{item['kind']} {place}"

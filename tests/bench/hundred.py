"""100 LiteLLMDatabases made at once; several figures look at the same hundred, whoever comes first makes them."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import psycopg

from litellm_database_operator.model.reasons import Reason
from tests.bench.place import DATABASES, BenchError, Place
from tests.bench.progress import tell
from tests.support.kubectl import Body, has_reason

COUNT: Final = 100
NAMES: Final = tuple(f"r{number:03}" for number in range(COUNT))
_SECRETS_WITHIN: Final = 240.0
_READY_WITHIN: Final = 900.0
_LOGINS_AT_ONCE: Final = 4
_PAUSE: Final = 0.05
_MIGRATIONS: Final = 8
_HOLDER: Final = "holder"
_HELD_WITHIN: Final = 60.0


@dataclass(slots=True, kw_only=True)
class Hundred:
    """The resources, from nothing to Ready."""

    here: Place
    ready: bool = False
    provisioned_after: list[float] = field(default_factory=list[float])
    """For each, how many seconds after the first create its Secret logged in; empty before `provision`."""

    def hold_migrations(self) -> None:
        """Give the only place for a migration to one that never starts: its pod fits no node."""
        tell("hold migrations back")
        body = self.here.database(_HOLDER)
        body["spec"]["migration"] = {"podTemplate": {"nodeSelector": {"litellmdb.dev/bench": "nowhere"}}}
        self.here.create_at_once([body])
        self.here.kubectl.wait_for(DATABASES, _HOLDER, has_reason(Reason.POD_UNSCHEDULABLE), within=_HELD_WITHIN)

    def provision(self) -> None:
        """Create all at once, and log in with every Secret."""
        tell(f"create {COUNT} resources")
        bodies = [self.here.database(name) for name in NAMES]
        begun = time.monotonic()
        with ThreadPoolExecutor(_LOGINS_AT_ONCE + 1) as pool:
            creating = pool.submit(self.here.create_at_once, bodies)
            tried = [pool.submit(_log_in, body, begun) for body in self._published()]
            creating.result()
            self.provisioned_after = [each.result() for each in tried]
        tell(f"the last Secret logged in after {max(self.provisioned_after):.1f} s")

    def make_ready(self) -> None:
        """Have all migrated."""
        if self.ready:
            return
        if not self.provisioned_after:
            self.provision()
        tell(f"migrate all, {_MIGRATIONS} at a time")
        self.here.kubectl.run("delete", DATABASES, _HOLDER, "--ignore-not-found")
        self.here.allow_migrations(_MIGRATIONS)
        self.here.wait_ready(NAMES, within=_READY_WITHIN)
        self.ready = True

    def _published(self) -> Iterator[Body]:
        """Yield each published Secret as soon as it is there."""
        missing = {f"{name}-db" for name in NAMES}
        for body in self.here.kubectl.watch("secret", within=_SECRETS_WITHIN):
            if body["metadata"]["name"] in missing:
                missing.remove(body["metadata"]["name"])
                yield body
            if not missing:
                return
        raise BenchError(f"{len(missing)} Secrets were not published in {_SECRETS_WITHIN:.0f} s")


def _log_in(secret: Body, begun: float) -> float:
    """Log in as a proxy would, and return the seconds since `begun`.

    The Secret is there a moment before the role has its password: then it is tried again.
    """
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    while time.monotonic() - begun < _SECRETS_WITHIN:
        try:
            with psycopg.connect(data["uri"]) as session:
                session.execute("SELECT 1")
        except psycopg.OperationalError:
            threading.Event().wait(_PAUSE)
        else:
            return time.monotonic() - begun
    raise BenchError(f"Secret {secret['metadata']['name']} does not log in")


def app_logins(lines: Iterable[str]) -> set[str]:
    """Return the databases that a login of ours has entered, of lines that log_connections wrote."""
    marker = "LOG:  connection authorized: user="
    users = (line.partition(marker)[2].split(" ", 1)[0] for line in lines if marker in line)
    return {user.removesuffix("_app_a") for user in users if user.endswith("_app_a")}

"""Passes: which happen, and what follows from their outcome.

handlers/ says what happened, the workers here take keys out of the queue and run one pass each; reconcile/ is
the pass, and knows nothing of queue, finalizers and status writes.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

from litellm_database_operator.control.knowledge import Knowledge, ServerOf, wish
from litellm_database_operator.control.logs import resource
from litellm_database_operator.control.queue import Lane, WorkQueue
from litellm_database_operator.errors import OperatorError
from litellm_database_operator.kube.kinds import DATABASE, SERVER, Body, Kind, uid_of
from litellm_database_operator.kube.reading import is_going
from litellm_database_operator.model import names
from litellm_database_operator.model.outcome import Event, Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource_key import ResourceKey, key_of

_log = logging.getLogger(__name__)
DRAIN_SECONDS: Final = 20.0
_KINDS: Final = {kind.name: kind for kind in (DATABASE, SERVER)}
_FINALIZERS: Final = {DATABASE.name: names.DATABASE_FINALIZER, SERVER.name: names.SERVER_FINALIZER}


class Reconciler(Protocol):
    """One pass over one resource; what it raises is a bug."""

    async def __call__(self, body: Mapping[str, Any], /) -> Outcome:
        """Look, decide, act, and say what status should be."""
        ...


class ResourceGateway(Protocol):
    """What control/ needs of kube.resources.Resources."""

    async def fetch(self, kind: Kind, namespace: str, name: str) -> Body | None:
        """Return a resource, or None."""
        ...

    async def list_all(self, kind: Kind, namespace: str | None) -> tuple[list[Body], int]:
        """Return all, and the resourceVersion of the list."""
        ...

    async def patch_finalizers(self, kind: Kind, body: Mapping[str, Any], finalizers: list[str]) -> Body | None:
        """Set the finalizers; None when the resource has moved on."""
        ...

    async def patch_status(self, kind: Kind, body: Mapping[str, Any], status: Mapping[str, Any]) -> Body | None:
        """Set the status; None when the resource is gone."""
        ...

    async def post_event(self, body: Mapping[str, Any], event: Event) -> None:
        """Post an Event."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcilers:
    """The pass of each kind."""

    database: Reconciler
    server: Reconciler

    def of(self, key: ResourceKey) -> Reconciler:
        """Return the pass of a resource's kind."""
        return self.database if key.kind == DATABASE.name else self.server


class Control:
    """Decides when a pass runs: one at a time for a resource, in any mix of causes."""

    def __init__(
        self,
        resources: ResourceGateway,
        reconcilers: Reconcilers,
        *,
        server_of: ServerOf,
        on_gone: Callable[[ResourceKey], None] = lambda _key: None,
    ) -> None:
        """Know nothing yet; must be made inside a running loop. `on_gone` hears of every resource that is gone."""
        self._on_gone = on_gone
        self._resources = resources
        self._reconcilers = reconcilers
        self._stopping = False
        self.known = Knowledge(server_of)
        self.queue = WorkQueue()

    def saw(self, body: Body, *, lane: Lane = Lane.FAST) -> None:
        """Take note of a resource as it now is, and ask for a pass when it holds news."""
        key = key_of(body)
        if self.known.keep(body):
            self.queue.add(key, Lane.FAST if is_going(body) else lane)
            self._wake_others(key)

    def gone(self, key: ResourceKey) -> None:
        """Forget a resource; a server that waits for its users to go is looked at again."""
        server = self.known.server_of(key)
        self.known.forget(key)
        self.queue.forget(key)
        self._on_gone(key)
        if server is not None:
            self._wake_held(server)
        self._wake_databases(key)

    def wake(self, key: ResourceKey, *, lane: Lane = Lane.FAST) -> None:
        """Ask for a pass over the owner of something that changed; nothing is done for an unknown one."""
        if key in self.known:
            self.queue.add(key, lane)

    async def work(self) -> NoReturn:
        """Run passes, for ever: one worker."""
        while True:
            key = await self.queue.take()
            with resource(key):
                try:
                    await self._attempt(key)
                finally:
                    self.queue.done(key)

    async def drain(self) -> None:
        """Begin no pass any more, and wait for those that run, for DRAIN_SECONDS at most."""
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self.queue.idle.wait()

    async def _attempt(self, key: ResourceKey) -> None:
        body = self.known.get(key)
        if body is None:
            self.queue.forget(key)
        if self._stopping or body is None:
            return
        try:
            await self._one_pass(key, body)
        except OperatorError as error:
            delay = self.queue.add_failed(key)
            _log.warning("%s; again in %.1f s", error.message, delay)
        except Exception:  # noqa: BLE001 - logged with its traceback; the worker lives on
            delay = self.queue.add_failed(key)
            _log.exception("a pass failed by a bug; again in %.1f s", delay)

    async def _one_pass(self, key: ResourceKey, body: Body) -> None:
        if is_going(body):
            await self._leave(key, body)
        elif (claimed := await self._claim(key, body)) is not None:
            outcome = await self._reconcilers.of(key)(claimed)
            await self._conclude(key, claimed, outcome)

    async def _claim(self, key: ResourceKey, body: Body) -> Body | None:
        """Return the body with our finalizer in it: nothing is made for a resource that could vanish unseen."""
        finalizers: list[str] = body["metadata"].get("finalizers") or []
        if _FINALIZERS[key.kind] in finalizers:
            return body
        return await self._set_finalizers(key, body, [*finalizers, _FINALIZERS[key.kind]])

    async def _leave(self, key: ResourceKey, body: Body) -> None:
        """Undo only for what a live look still shows; the finalizer goes last."""
        live = await self._check_is_there(key, body)
        if live is None:
            return
        finalizers: list[str] = live["metadata"].get("finalizers") or []
        if _FINALIZERS[key.kind] not in finalizers:
            return
        outcome = await self._reconcilers.of(key)(live)
        if not outcome.left:
            await self._conclude(key, live, outcome)
            return
        others = [name for name in finalizers if name != _FINALIZERS[key.kind]]
        if await self._set_finalizers(key, live, others) is None:
            return
        if not others:
            self.gone(key)  # its DELETED may have come before the answer
        if outcome.event:
            _log.info("%s: %s", outcome.event.reason, outcome.event.message)
            await self._post(live, outcome.event)

    async def _check_is_there(self, key: ResourceKey, body: Body) -> Body | None:
        """Return the resource as it is; forget one that is gone, or another by now: its DELETED was missed."""
        live = await self._resources.fetch(_KINDS[key.kind], key.namespace, key.name)
        if live is not None and uid_of(live) == uid_of(body):
            return live
        known = self.known.get(key)
        if known is not None and uid_of(known) == uid_of(body):
            self.gone(key)
        return None

    def _keep(self, key: ResourceKey, answer: Body) -> None:
        """Remember the answer to our own write, unless the resource was seen to go meanwhile."""
        if key in self.known:
            self.known.keep(answer)

    async def _set_finalizers(self, key: ResourceKey, body: Body, finalizers: list[str]) -> Body | None:
        answer = await self._resources.patch_finalizers(_KINDS[key.kind], body, finalizers)
        if answer is None:
            self.queue.add_failed(key)  # another body is on its way to us
            return None
        self._keep(key, answer)
        return answer

    async def _conclude(self, key: ResourceKey, body: Body, outcome: Outcome) -> None:
        """Write what differs, and ask for the next pass as the outcome says."""
        moved_on = await self._write_status(key, body, outcome)
        if outcome.failed:
            self.queue.add_failed(key)
        else:
            self.queue.succeeded(key)
        if moved_on:
            self.queue.add(key)
        if outcome.retry_after is not None:
            self.queue.add_after(key, outcome.retry_after)

    async def _write_status(self, key: ResourceKey, body: Body, outcome: Outcome) -> bool:
        """Tell whether somebody's change came in with the answer: its own event will look old."""
        if outcome.status is None or outcome.status == body.get("status"):
            return False
        answer = await self._resources.patch_status(_KINDS[key.kind], body, outcome.status)
        if answer is None:
            await self._check_is_there(key, body)
            return False
        self._keep(key, answer)
        self._wake_others(key)
        if outcome.event:
            _log.info("%s: %s", outcome.event.reason, outcome.event.message)
            await self._post(answer, outcome.event)
        return wish(answer) != wish(body)

    async def _post(self, body: Body, event: Event) -> None:
        """Events are a courtesy: none that cannot be posted stops a pass."""
        try:
            await self._resources.post_event(body, event)
        except OperatorError as error:
            level = logging.DEBUG if error.reason is Reason.DELETING else logging.WARNING
            _log.log(level, "%s", error.message)

    def _wake_others(self, key: ResourceKey) -> None:
        """A server's change concerns its databases; a database's, a server that is held by it."""
        self._wake_databases(key)
        if (server := self.known.server_of(key)) is not None:
            self._wake_held(server)

    def _wake_databases(self, server: ResourceKey) -> None:
        for database in self.known.databases_of(server):
            self.queue.add(database, Lane.SLOW)

    def _wake_held(self, server: ResourceKey) -> None:
        body = self.known.get(server)
        if body is not None and is_going(body):
            self.queue.add(server)

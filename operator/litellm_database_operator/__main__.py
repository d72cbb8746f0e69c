"""The operator's process: a Lease first, workers second, kopf third; what ends first decides how it ends.

`python3 -m litellm_database_operator`; its settings are in settings.py.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from litellm_database_operator.control import health, sweep
from litellm_database_operator.control.installation import make_look, place_of
from litellm_database_operator.control.lease import Lease
from litellm_database_operator.control.logs import configure_logging
from litellm_database_operator.control.passes import Control, Reconcilers
from litellm_database_operator.control.probes import Condition, serve_probes
from litellm_database_operator.control.start import InstallationWatch
from litellm_database_operator.errors import OperatorError
from litellm_database_operator.handlers.door import Doors, DoorShutError
from litellm_database_operator.kube.access import Access
from litellm_database_operator.kube.api import Api, connect
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.discovery import Discovery
from litellm_database_operator.kube.effects import Effects, undisturbed
from litellm_database_operator.kube.kinds import DATABASE, SERVER
from litellm_database_operator.kube.leases import LEASE_NAME, Leases
from litellm_database_operator.kube.resources import Resources
from litellm_database_operator.model.bundle import read_library
from litellm_database_operator.model.resource_key import ResourceKey
from litellm_database_operator.planning.parse import parse_database
from litellm_database_operator.reconcile.apply import Applier
from litellm_database_operator.reconcile.database import DatabaseReconciler
from litellm_database_operator.reconcile.places import Places
from litellm_database_operator.reconcile.runs import count_runs
from litellm_database_operator.reconcile.server import ServerReconciler
from litellm_database_operator.reconcile.server_users import ServerUsers
from litellm_database_operator.reconcile.servers import Servers
from litellm_database_operator.reconcile.slots import MigrationSlots
from litellm_database_operator.settings import Settings, SettingsError, read_settings

_log = logging.getLogger("litellm_database_operator")
_BAD_SETTINGS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """What the process is made of, once it may work."""

    control: Control
    resources: Resources
    servers: Servers


async def build(
    api: Api, settings: Settings, *, namespaces: Sequence[str | None] = (None,), effects: Effects = undisturbed
) -> Operator:
    """Wire everything up, each write and step inside an effect; UnavailableError when the API server is silent.

    The migrations that run in `namespaces` are counted; of one that is granted later, every look counts them.
    """
    cluster = Cluster(api, effects=effects)
    resources = Resources(api, instance=settings.pod_name, effects=effects)
    servers, slots = Servers(cluster, settings), MigrationSlots()
    places = Places(resources, settings.default_server)

    def server_of(body: Mapping[str, Any]) -> ResourceKey | None:
        try:
            return ResourceKey(SERVER.name, *servers.reference(parse_database(body)))
        except OperatorError:
            return None

    def on_gone(key: ResourceKey) -> None:
        slots.leave(key)
        places.leave(key)

    identity = settings.identity or await cluster.fetch_namespace_uid(settings.pod_namespace)
    users = ServerUsers(cluster=cluster, resources=resources, servers=servers, settings=settings, identity=identity)
    reconcilers = Reconcilers(
        database=DatabaseReconciler(
            cluster=cluster,
            servers=servers,
            applier=Applier(cluster, settings, effects),
            library=read_library(settings.library),
            slots=slots,
            places=places,
            identity=identity,
            settings=settings,
        ),
        server=ServerReconciler(cluster=cluster, users=users, servers=servers, settings=settings),
    )
    control = Control(resources, reconcilers, server_of=server_of, on_gone=on_gone)
    slots.wake = places.wake = control.wake
    await count_runs(slots, cluster, resources, namespaces)
    return Operator(control=control, resources=resources, servers=servers)


async def run(settings: Settings) -> int:
    """Run until SIGTERM, and return the exit code."""
    stop = asyncio.Event()
    _stop_on_signals(stop)
    api = await connect()
    lease = Lease(Leases(api, namespace=settings.pod_namespace, name=LEASE_NAME), settings.pod_name)
    condition = Condition(lease=lease)
    look = make_look(Discovery(api), Access(api), place_of(settings))
    installation = InstallationWatch(look, condition)
    probes = await serve_probes(condition, settings.probe_port)
    try:
        if not await _unless(stop, installation.wait()):
            return 0
        looking = asyncio.create_task(installation.look_forever())
        if not await _unless(stop, lease.acquire()):
            return 0
        operator = await build(api, settings, namespaces=installation.findings.watchable)
        condition.busy = operator.control.queue.busy
        return await _work(operator, settings, stop=stop, lease=lease, installation=installation, looking=looking)
    finally:
        await probes.cleanup()
        await api.close()


async def _work(  # noqa: PLR0913 - what the process is made of
    operator: Operator,
    settings: Settings,
    *,
    stop: asyncio.Event,
    lease: Lease,
    installation: InstallationWatch,
    looking: asyncio.Task[NoReturn],
) -> int:
    doors = Doors(operator.control)
    own = [looking, *_start_own_tasks(operator, settings, lease, doors)]
    own.append(asyncio.create_task(_open_all(doors, installation, stop)))
    await _first(stop.wait(), doors.ended(), *own)
    if not stop.is_set() and not doors.has_ended:
        _log.critical("the Lease is lost, or a worker has died: ending at once, for another may begin")
        os._exit(1)
    _log.info("stopping: running passes are finished first")
    await operator.control.drain()
    for task in own:
        task.cancel()
    await lease.release()
    await operator.servers.close()
    await doors.close()  # raises what ended kopf, if that was first
    return 0 if stop.is_set() else 1


async def _open_all(doors: Doors, installation: InstallationWatch, stop: asyncio.Event) -> NoReturn:
    """Watch all that can be watched, and whatever can be later: a namespace that is made, or a right that is given."""
    while True:
        installation.changed.clear()
        if more := [each for each in installation.findings.watchable if each not in doors.namespaces]:
            await doors.open(more)
            _stop_on_signals(stop)  # kopf has put its own handlers in their place
        await installation.changed.wait()


def _start_own_tasks(operator: Operator, settings: Settings, lease: Lease, doors: Doors) -> list[asyncio.Task[Any]]:
    """Start what works beside kopf, before it: at its end it cancels whatever is younger."""
    control = operator.control
    own = [
        lease.hold(),
        sweep.sweep_forever(control, operator.resources, doors.namespaces),
        health.look_again(lambda: control.known.keys(DATABASE), control.queue, health.DATABASES),
        health.look_again(lambda: control.known.keys(SERVER), control.queue, health.SERVERS),
        *(control.work() for _ in range(settings.workers)),
    ]
    return [asyncio.create_task(each) for each in own]


async def _unless(stop: asyncio.Event, work: Any) -> bool:
    """Do `work` unless told to stop first; tell whether it was done."""
    task: asyncio.Task[None] = asyncio.create_task(work)
    await _first(task, stop.wait())
    if task.done():
        await task
        return not stop.is_set()
    task.cancel()
    return False


async def _first(*waiting: Any) -> None:
    """Wait until the first of several ends; those made here for it are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in waiting]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task, given in zip(tasks, waiting, strict=True):
        if task is not given:
            task.cancel()


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


def main() -> int:
    """Read the settings, and run."""
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        configure_logging("INFO")
        _log.critical("%s", error)
        return _BAD_SETTINGS
    configure_logging(settings.log_level)
    try:
        return asyncio.run(run(settings))
    except DoorShutError as error:
        _log.critical("%s", error)
        return 1
    except Exception:  # noqa: BLE001 - the last word goes into the log as one line too
        _log.critical("ended by an error; the container is started anew", exc_info=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())

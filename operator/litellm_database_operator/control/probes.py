"""What the kubelet asks: served from the first second, by a standby too, or a rolling update would wait for ever."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from litellm_database_operator.control.lease import Lease
from litellm_database_operator.model.resource_key import ResourceKey

_CONTACT_SECONDS: Final = 20.0
_STUCK_SECONDS: Final = 900.0


@dataclass(slots=True, kw_only=True)
class Condition:
    """What is known of the operator itself; __main__ fills it in as it starts."""

    lease: Lease
    busy: Mapping[ResourceKey, float] = field(default_factory=dict[ResourceKey, float])
    """Passes that run, and since when."""
    obstacles: tuple[str, ...] = ()
    """What is wrong with the installation, a line each."""

    def unready(self, now: float) -> str | None:
        """Return why the operator is not ready, or None: it was installed well, and the API server answered of late."""
        if self.obstacles:
            return "\n".join(self.obstacles)
        contact = self.lease.contact
        silent = contact is None or now - contact > _CONTACT_SECONDS
        return "the API server does not answer" if silent else None

    def stuck(self, now: float) -> str | None:
        """Return which passes have run for so long that only a restart helps, or None."""
        keys = [str(key) for key, since in self.busy.items() if now - since > _STUCK_SECONDS]
        return f"passes are stuck: {', '.join(keys)}" if keys else None


async def serve_probes(condition: Condition, port: int) -> web.AppRunner:
    """Serve /livez and /readyz; `cleanup` of what is returned ends it. OSError when the port is taken."""
    clock = asyncio.get_running_loop().time

    def answer(question: Callable[[float], str | None]) -> Callable[[web.Request], web.Response]:
        def handler(_: web.Request) -> web.Response:
            trouble = question(clock())
            return web.Response(status=503 if trouble else 200, text=trouble or "ok")

        return handler

    async def livez(request: web.Request) -> web.Response:
        return answer(condition.stuck)(request)

    async def readyz(request: web.Request) -> web.Response:
        return answer(condition.unready)(request)

    app = web.Application()
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner

"""`python3 -m litellm_database_operator.check`: whether the operator was installed well, seen by its own account.

A line for each thing that is wrong, and exit code 1; `helm test` runs it, and a person by kubectl exec. It reads
POD_NAMESPACE, LITELLMDB_IDENTITY, LITELLMDB_WATCH_NAMESPACES and LITELLMDB_DEFAULT_SERVER, as the operator does.
With `--operator-url http://host:8080` the operator's probes are asked as well.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final

import aiohttp

from litellm_database_operator.control.installation import Findings, Seen, judge, look, place_of
from litellm_database_operator.errors import OperatorError
from litellm_database_operator.kube.access import Access
from litellm_database_operator.kube.api import connect
from litellm_database_operator.kube.discovery import Discovery
from litellm_database_operator.model.report import clean
from litellm_database_operator.settings import PlaceSettings, SettingsError, read_place

_BAD_SETTINGS: Final = 2
_PROBES: Final = ("/livez", "/readyz")
_MORE_LOOKS: Final = 20
_PAUSE: Final = 0.5
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


async def check_installation(settings: PlaceSettings) -> Findings:
    """Return what is wrong; UnavailableError when the API server does not answer.

    It may be asked right after an installation: schemas that are not told yet are waited for a while.
    """
    api = await connect()
    try:
        place = place_of(settings)
        return judge(await wait_for_schemas(lambda: look(Discovery(api), Access(api), place)), place)
    finally:
        await api.close()


async def wait_for_schemas(once: Callable[[], Awaitable[Seen]], *, pause: float = _PAUSE) -> Seen:
    """Look until all schemas are told, but some seconds at most; return what was seen last."""
    seen = await once()
    for _ in range(_MORE_LOOKS):
        if not seen.lacks_schemas:
            break
        await asyncio.sleep(pause)
        seen = await once()
    return seen


async def check_probes(url: str) -> list[str]:
    """Return what the operator at `url` says of itself that is not "ok"."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        return [line for path in _PROBES for line in await _ask(session, f"{url.rstrip('/')}{path}")]


async def _ask(session: aiohttp.ClientSession, url: str) -> list[str]:
    try:
        async with session.get(url) as answer:
            text = await answer.text()
            return [] if answer.status == HTTPStatus.OK else [f"{url} answers {answer.status}: {clean(text)}"]
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return [f"cannot reach {url}: {clean(str(error) or type(error).__name__)}"]


async def _check(settings: PlaceSettings, url: str | None) -> int:
    found = await check_installation(settings)
    wrong = [*found.wrong, *(await check_probes(url) if url else ())]
    for line in (*wrong, *(f"note: {notice}" for notice in found.notices)):
        print(line)  # noqa: T201 - a command line speaks by print
    if not wrong:
        print("the operator is installed well: CRDs, rights and namespaces are there")  # noqa: T201 - as above
    return 1 if wrong else 0


def main(arguments: Sequence[str]) -> int:
    """Check, and return the exit code: 0 when all is well, 1 when something is not, 2 for bad settings."""
    parser = argparse.ArgumentParser(prog="python3 -m litellm_database_operator.check", description=__doc__)
    parser.add_argument("--operator-url", help="also ask the operator there for its probes, http://host:8080")
    given = parser.parse_args(arguments)
    try:
        return asyncio.run(_check(read_place(os.environ), given.operator_url))
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - as above
        return _BAD_SETTINGS
    except OperatorError as error:
        print(error.message)  # noqa: T201 - as above
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The init container. Exit code 0: the schema is there; 1: it is not, as the last line says."""

import asyncio
import os
import signal
import sys
from types import FrameType
from typing import Never

from litellm_database_operator.errors import OperatorError
from litellm_database_operator.model.bundle import Bundle, LibraryError, read_library
from litellm_database_operator.planning.target import resolve_target
from litellm_database_operator.wait.settings import Settings, SettingsError, read_settings
from litellm_database_operator.wait.watch import GaveUpError, wait_for_schema


def main() -> int:
    """Wait, and return the exit code."""
    # without a handler, the first process of a container gets no SIGTERM
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        settings = read_settings(sys.argv[1:], os.environ)
        target = resolve_target(settings.asked, read_library(settings.library))
        name = _name(settings, target)
        _say(f"waiting for the schema of {name} in {settings.login.database} at {settings.login.endpoint.authority()}")
        asyncio.run(wait_for_schema(settings, target, name, _say))
    except (SettingsError, OperatorError, LibraryError, OSError, GaveUpError) as error:
        _say(str(error))
        return 1
    return 0


def _name(settings: Settings, target: Bundle) -> str:
    version = settings.asked.version
    return f"LiteLLM {version} (bundle {target.version})" if version else f"bundle {target.version}"


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the pod's log


def _stop(number: int, _frame: FrameType | None) -> Never:
    _say(f"stopped by {signal.Signals(number).name}")
    os._exit(128 + number)  # at once: nothing interrupts a look-up of a name, and nothing is to be left in order


if __name__ == "__main__":
    sys.exit(main())

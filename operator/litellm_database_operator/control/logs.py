"""One JSON object a line, with the resource that a pass was about: what a log collector indexes."""

import json
import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

from litellm_database_operator.model.resource_key import ResourceKey

_resource: ContextVar[dict[str, Any]] = ContextVar("resource")
_QUIETER: Final = {"kopf": logging.WARNING, "asyncio": logging.INFO, "aiohttp": logging.INFO}
"""kopf says at INFO that a handler was called, and others log whole bodies and headers at DEBUG."""


@contextmanager
def resource(key: ResourceKey) -> Generator[None]:
    """Name the resource in every line that is logged inside."""
    token = _resource.set(key._asdict())
    try:
        yield
    finally:
        _resource.reset(token)


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
        } | _resource.get({})
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def configure_logging(level: str) -> None:
    """Send all logs to standard error as JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, least in _QUIETER.items():
        logging.getLogger(name).setLevel(max(least, logging.getLogger().level))

"""A line of the log: JSON, and about whom."""

from __future__ import annotations

import json
import logging
import sys

from litellm_database_operator.control.logs import JsonFormatter, resource
from tests.unit.control.bodies import KEY


def line(message: str, *args: object, error: bool = False) -> dict[str, str]:
    info = sys.exc_info() if error else None
    record = logging.LogRecord("some.logger", logging.WARNING, "file", 1, message, args, info)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_line_says_what_when_and_how_grave() -> None:
    fields = line("hello %s", "world")
    assert fields["message"] == "hello world"
    assert fields["level"] == "warning"
    assert fields["logger"] == "some.logger"
    assert fields["time"].endswith("+00:00")
    assert "kind" not in fields


def test_inside_a_pass_it_names_the_resource() -> None:
    with resource(KEY):
        fields = line("hello")
    assert (fields["kind"], fields["namespace"], fields["name"]) == ("LiteLLMDatabase", "team", "a")
    assert "kind" not in line("hello")


def test_a_traceback_stays_on_the_line() -> None:
    fields: dict[str, str] = {}
    try:
        int("wrong")
    except ValueError:
        fields = line("broken", error=True)
    assert "ValueError: invalid literal" in fields["traceback"]

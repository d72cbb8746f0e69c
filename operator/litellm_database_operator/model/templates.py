"""Templates of spec.secret.keys: a text with placeholders $(name), as Kubernetes writes them in a container's env.

The set of names is closed, so that a misspelt one is refused and not published as it stands. model/secret.py has
what they stand for, the CRD the same rules; tests compare.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

PLACEHOLDERS: Final = (
    "host",
    "host.pgpass",
    "port",
    "endpoint",
    "sslmode",
    "schema",
    "schema.url",
    *(
        f"{name}{form}"
        for name in ("database", "username", "password")
        for form in ("", ".url", ".pgpass", ".conninfo")
    ),
    "database_url",
    "uri",
)
MAX_PLACEHOLDERS: Final = 16
"""In one template: thirty-two of them then stay below the 1 MiB of a Secret, however long the names are."""
WELL_FORMED: Final = (
    "^([^$]|[$][$]|[$][(]"
    "(host([.]pgpass)?|port|endpoint|sslmode|schema([.]url)?|(database|username|password)([.](url|pgpass|conninfo))?"
    "|database_url|uri)[)])*$"
)
"""Said of each template by the CRD as well; in what RE2 and Python's re have in common."""
MALFORMED: Final = (
    "must hold no $ but in $$ and in $(name), the name being one of host, host.pgpass, port, endpoint, sslmode, "
    "schema, schema.url, database_url, uri, database, username, password; these last three also with .url, .pgpass "
    "or .conninfo"
)
CROWDED: Final = f"must hold at most {MAX_PLACEHOLDERS} placeholders"
_TOKEN: Final = re.compile(r"[$](?:[$]|[(]([^()$]*)[)])")


def flaw_of(template: str) -> str | None:
    """Return what keeps a text from being a template, or None; nothing of the text itself is repeated."""
    if not re.fullmatch(WELL_FORMED.removesuffix("$"), template):
        return MALFORMED
    if template.count("$(") > MAX_PLACEHOLDERS:
        return CROWDED
    return None


def expand(template: str, values: Mapping[str, str]) -> str:
    """Return the text with each placeholder's value in its place, and $ for $$; values are not looked into again.

    Of a template with a flaw, which planning/parse.py lets nobody get here with, what is unknown stays as it is.
    """

    def replaced(token: re.Match[str]) -> str:
        name: str | None = token[1]
        return "$" if name is None else values.get(name, token[0])

    return _TOKEN.sub(replaced, template)


def in_forms(name: str, text: str) -> dict[str, str]:
    """Return a value under its placeholder's name and its forms: for a URL, a .pgpass line, a keyword=value string."""
    return {
        name: text,
        f"{name}.url": quote(text, safe=""),
        f"{name}.pgpass": escaped_for_pgpass(text),
        f"{name}.conninfo": _quoted_for_conninfo(text),
    }


def escaped_for_pgpass(text: str) -> str:
    """Return a field of a .pgpass line.

    https://www.postgresql.org/docs/current/libpq-pgpass.html
    """
    return text.replace("\\", "\\\\").replace(":", "\\:")


def _quoted_for_conninfo(text: str) -> str:
    """Return a value of a keyword=value string, with its quotes.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE
    """
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

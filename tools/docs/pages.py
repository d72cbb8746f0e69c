"""What is done to each page of the site, and looked for in it; hook.py calls it."""

import re
from typing import Final

_LIST_OR_TABLE: Final = re.compile(r"(?:[-*]|\d+\.) |\|")
_FENCE: Final = re.compile(r"\s*(?:```|~~~)")
_NO_TEXT: Final = re.compile(r"\s*$|#|\||>|\s*(?:[-*]|\d+\.) |\s")
_LOADED: Final = re.compile(
    r"<(?:script|img|iframe|source|object|embed)\b[^>]*?\b(?:src|data)=[\"']?((?:https?:)?//[^\s\"'>]+)"
    r"|<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|preload|preconnect|icon|shortcut icon))"
    r"[^>]*?\bhref=[\"']?((?:https?:)?//[^\s\"'>]+)",
)


def as_github_reads(markdown: str) -> str:
    """Return the page with an empty line before each list or table that begins right below a line of text.

    GitHub needs none, Python-Markdown takes them for more of the text.
    https://python-markdown.github.io/#differences
    """
    lines: list[str] = []
    fenced, before = False, ""
    for line in markdown.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and _LIST_OR_TABLE.match(line) and not _NO_TEXT.match(before):
            lines.append("")
        lines.append(line)
        before = line
    return "\n".join(lines) + "\n"


def loaded_from_elsewhere(html: str) -> list[str]:
    """Return the addresses from which a browser would load something to show the page; links do not count."""
    return [script or link for script, link in _LOADED.findall(html)]

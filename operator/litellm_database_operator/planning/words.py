"""Foreign texts, as they may stand in a message of ours."""

from collections.abc import Sequence
from typing import Final

from litellm_database_operator.model import report

_NAMED: Final = 3


def quoted(text: str) -> str:
    """Return a foreign text as it may stand in a message of ours: cleaned, bounded, quoted."""
    return f'"{report.clean(text)}"'


def listed(texts: Sequence[str], *, total: int | None = None) -> str:
    """Return the first of some foreign texts, and how many more there are of `total`."""
    shown = texts[:_NAMED]
    more = (len(texts) if total is None else total) - len(shown)
    return ", ".join(map(quoted, shown)) + (f" and {more} more" if more > 0 else "")

"""What a fresh install got on a release's day, where its metadata names a range in place of a pin.

An index tells when a file was uploaded, and pip can be told to see nothing later. So the minute in which a release
came is found by halving, and in it, and a day later, pip is asked for the range: one answer, and it is known.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bundles.files import place
from bundles.pip import EXTRAS, LITELLM, cache_folder, fetch_newest

_BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
"""Before the oldest release that is held."""
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


class Newest(Protocol):
    """Asks an index for the newest release that was uploaded before a moment."""

    def __call__(self, requirement: str, *, before: datetime) -> str:
        """Return its version; none at all is an error."""
        ...


def fetch_got(release: str, requires: str, *, now: datetime, newest: Newest = fetch_newest) -> Sequence[str]:
    """Return the different bundles that fresh installs of this release got in its first 24 hours, oldest first.

    Both ends are asked. The past does not change, so the answer is cached, once the day is over.
    """
    kept = cache_folder() / "moments" / f"{LITELLM}-{release}.json"
    if kept.is_file():
        return json.loads(kept.read_text())
    moment = moment_of(release, now=now, newest=newest)
    answers = (newest(f"{EXTRAS}{requires}", before=each) for each in (moment, moment + _DAY))
    got = list(dict.fromkeys(answers))
    if moment + _DAY < now:
        place(kept, json.dumps(got).encode())
    return got


def moment_of(release: str, *, now: datetime, newest: Newest) -> datetime:
    """Return the end of the minute in which a release was uploaded."""
    early, late = 0, (now - _BEGIN) // _MINUTE + 1
    while late - early > 1:
        middle = (early + late) // 2
        # asked so that there always is an answer: one that fails to come is not taken for "not yet"
        if newest(f"{LITELLM}<={release}", before=_BEGIN + middle * _MINUTE) == release:
            late = middle
        else:
            early = middle
    return _BEGIN + late * _MINUTE

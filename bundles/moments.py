"""What a fresh install got on a release's day, where its metadata names a range in place of a pin.

An index tells when a file was uploaded, and pip can be told to see nothing later. So the minute in which a release
came is found by halving, and in it, and a day later, pip is asked for the range: one answer, and it is known.
"""

import json
from datetime import UTC, datetime, timedelta

from bundles.files import place
from bundles.pip import EXTRAS, LITELLM, cache_folder, fetch_newest

_BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
"""Before the oldest release that is held."""
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


def fetch_got(release: str, requires: str) -> list[str]:
    """Return the different bundles that fresh installs of this release got in its first 24 hours, oldest first.

    Both ends are asked. The past does not change, so the answer is cached, once the day is over.
    """
    kept = cache_folder() / "moments" / f"{LITELLM}-{release}.json"
    if kept.is_file():
        return json.loads(kept.read_text())
    moment = _moment_of(release)
    answers = (fetch_newest(f"{EXTRAS}{requires}", before=each) for each in (moment, moment + _DAY))
    got = list(dict.fromkeys(answer for answer in answers if answer))
    if moment + _DAY < datetime.now(UTC):
        place(kept, json.dumps(got).encode())
    return got


def _moment_of(release: str) -> datetime:
    """Return the first full minute before which the release was uploaded."""
    wanted = f"{LITELLM}=={release}"
    before, after = _BEGIN, datetime.now(UTC).replace(second=0, microsecond=0)
    while after - before > _MINUTE:
        middle = before + (after - before) // 2
        middle -= timedelta(seconds=middle.second, microseconds=middle.microsecond)
        if fetch_newest(wanted, before=middle) is None:
            before = middle
        else:
            after = middle
    return after

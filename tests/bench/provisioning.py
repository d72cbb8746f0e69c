"""How fast the operator provisions, beside the fastest SQL loop on the same server in the same minutes."""

from __future__ import annotations

from statistics import median
from typing import Final

from tests.bench import sql_loop
from tests.bench.figures import Figure
from tests.bench.hundred import COUNT, Hundred
from tests.bench.place import Place, as_served
from tests.bench.progress import tell

_SESSIONS: Final = (2, 4, 8, 16)
_TRIAL: Final = 40


def provisioning_ratio(hundred: Hundred) -> Figure:
    """Compare the rates; the loop runs before and after, and the faster run counts."""
    loop = _Loop(hundred.here)
    hundred.hold_migrations()
    sessions = loop.fastest_sessions()
    before = loop.run(COUNT, sessions)
    hundred.provision()
    after = loop.run(COUNT, sessions)
    seconds = hundred.provisioned_after
    rate = COUNT / max(seconds)
    return Figure(
        key="provisioning_ratio",
        value=round(rate / max(before, after), 2),
        how=f"operator {rate:.1f} a second: {COUNT} at once, the first Secret logged in after {min(seconds):.1f} s, "
        f"half of them after {median(seconds):.1f} s, the last after {max(seconds):.1f} s, with no Job meanwhile: "
        "a pod that fits no node holds the one place of limits.concurrentMigrations; "
        f"loop {before:.1f} a second before and {after:.1f} after, with {sessions} sessions, the fastest of "
        f"{_SESSIONS}: {rate / min(before, after):.2f} of the slower run",
    )


class _Loop:
    """The loop on one server; each run makes databases of its own, which stay there."""

    def __init__(self, here: Place) -> None:
        self._here = here
        self._runs = 0

    def fastest_sessions(self) -> int:
        """Find out how many sessions this disk likes best."""
        tried = {sessions: self.run(_TRIAL, sessions) for sessions in _SESSIONS}
        return max(tried, key=tried.__getitem__)

    def run(self, count: int, sessions: int) -> float:
        """Return how many databases it made a second."""
        here = self._here
        self._runs += 1
        bodies = [as_served(here.database(f"l{self._runs}x{number:03}")) for number in range(count)]
        with here.postgres.connect(login=here.admin) as session:
            scripts = [sql_loop.write_script(body, here.admin.user, session) for body in bodies]
        rate = count / sql_loop.run(here.postgres, here.admin, scripts, sessions=sessions)
        tell(f"SQL loop, {sessions} sessions: {rate:.1f} databases a second")
        return rate

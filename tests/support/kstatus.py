"""The real kstatus library, which Flux and Helm 4 wait by: what it makes of objects."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cluster import binaries
from tests.support.kubectl import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What kstatus says of one object."""

    status: str
    """InProgress, Failed, Current, Terminating, NotFound or Unknown."""
    message: str


def ensure_kstatus(folder: Path) -> None:
    """Build it where the cache has none; ClusterError with the compiler's words."""
    binaries.build_missing(folder / "build.log", ["kstatus"])


def statuses(bodies: Iterable[Body]) -> list[Verdict]:
    """Return a verdict for each object, in their order; CalledProcessError where the library refuses one."""
    done = subprocess.run(
        [binaries.path_of("kstatus")],
        input="\n".join(json.dumps(each) for each in bodies),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=30,
    )
    return [Verdict(**json.loads(line)) for line in done.stdout.splitlines()]

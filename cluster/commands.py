"""Other people's programs, run to their end."""

import subprocess
from collections.abc import Sequence

from cluster.errors import ClusterError


def run(command: Sequence[str], *, stdin: str | None = None) -> str:
    """Run a command and return what it wrote. Raises ClusterError with its own last words."""
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if result.returncode:
        words = (result.stderr or result.stdout).strip().splitlines()[-3:]
        raise ClusterError(f"cannot run `{' '.join(command[:6])}`: {' / '.join(words)}")
    return result.stdout


def succeeds(command: Sequence[str]) -> bool:
    """Whether a command ends well; for questions."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0

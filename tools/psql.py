"""Makes sure that there is a psql: `make truth` and `make bench` compare the migrator with it.

The servers that tests run on come from npm, without psql. So it comes from where the cluster's programs come from,
Debian's own packages: they are kept by the people who keep PostgreSQL's, and any psql speaks to every server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from phase import phase

PACKAGE = "postgresql-client"


def main() -> None:
    """Install it where that can be done, else say what to install."""
    if shutil.which("psql") is not None:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(f"psql is missing, the migrator is compared with it: apt-get install {PACKAGE} (on Debian).")
    with phase(f"install {PACKAGE}"):
        for command in (["update", "-q"], ["install", "-qy", "--no-install-recommends", PACKAGE]):
            subprocess.run(["apt-get", *command], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

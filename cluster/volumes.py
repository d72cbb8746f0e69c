"""Makes volumes usable again whose claim was deleted: empties them and takes the claim away.

A program of the cluster. The class `local` has no provisioner that would do it.
"""

import shutil
import sys
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any

from cluster.api import Api
from cluster.errors import ClusterError
from cluster.objects import STORAGE_CLASS, VOLUMES_PATH

WATCH_SECONDS = 300
RETRY_SECONDS = 1.0


def is_released(volume: dict[str, Any]) -> bool:
    """Whether a volume of ours has lost its claim; by then no pod uses it (pvc-protection)."""
    return (
        volume["spec"].get("storageClassName") == STORAGE_CLASS and volume.get("status", {}).get("phase") == "Released"
    )


def empty(folder: Path) -> None:
    """Remove what a folder holds, and who it was given to."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o755)


def recycle(api: Api, volume: dict[str, Any]) -> None:
    """Empty a volume, then free it: in this order nobody gets another's files."""
    name = volume["metadata"]["name"]
    empty(Path(volume["spec"]["local"]["path"]))
    # The version makes this fail if somebody bound the volume again meanwhile.
    version = volume["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "spec": {"claimRef": None}}
    api.merge(f"{VOLUMES_PATH}/{name}", patch)
    print(f"{name} is free again", flush=True)


def main() -> None:
    """Watch the volumes for good."""
    run, host = sys.argv[1:]
    api = Api.as_admin(Path(run), host)
    while True:
        try:
            for event in api.watch(VOLUMES_PATH, seconds=WATCH_SECONDS):
                if event["type"] in {"ADDED", "MODIFIED"} and is_released(event["object"]):
                    recycle(api, event["object"])
        except (OSError, HTTPException, ValueError, ClusterError) as error:
            print(f"look again soon: {error}", file=sys.stderr, flush=True)
            time.sleep(RETRY_SECONDS)


if __name__ == "__main__":
    main()

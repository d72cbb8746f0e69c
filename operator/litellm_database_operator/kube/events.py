"""Events about our own resources: posted sparingly, and counted instead of repeated."""

from collections import OrderedDict
from datetime import datetime
from typing import Final

from litellm_database_operator.kube.kinds import Body
from litellm_database_operator.kube.reading import Json
from litellm_database_operator.model import names
from litellm_database_operator.model.outcome import Event

_REMEMBERED: Final = 1000
_MESSAGE_CHARACTERS: Final = 1024
"""What the API server takes of a note."""


class Posted:
    """The Events of late, so that one that comes again is counted."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._posted: OrderedDict[tuple[str, Event], tuple[str, int]] = OrderedDict()

    def again(self, uid: str, event: Event) -> tuple[str, int] | None:
        """Return the name of the same Event, and how often it came with this time; None for a new one."""
        name, count = self._posted.get((uid, event), ("", 0))
        return (name, count + 1) if name else None

    def remember(self, uid: str, event: Event, *, name: str, count: int) -> None:
        """Keep the name of an Event that was posted; the longest untouched is forgotten for it."""
        self._posted[uid, event] = (name, count)
        self._posted.move_to_end((uid, event))
        if len(self._posted) > _REMEMBERED:
            self._posted.popitem(last=False)


def event_body(body: Json, event: Event, *, instance: str, now: datetime) -> Body:
    """Build an Event about a resource.

    https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
    """
    meta = body["metadata"]
    stamp = time_stamp(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{meta['name']}.", "namespace": meta["namespace"]},
        "involvedObject": {
            "apiVersion": names.API_VERSION,
            "kind": body["kind"],
            "name": meta["name"],
            "namespace": meta["namespace"],
            "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"],
        },
        "type": event.type,
        "reason": event.reason,
        "message": event.message[:_MESSAGE_CHARACTERS],
        "source": {"component": names.MANAGED_BY},
        "reportingComponent": names.MANAGED_BY,
        "reportingInstance": instance,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }


def time_stamp(now: datetime) -> str:
    """Return a time as metav1.Time has it."""
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")

"""How a pass ended: what control/ writes, and when it looks again. Made by reconcile/, carried out by control/."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An Event for a resource, with the reason of its condition."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one pass over one resource."""

    status: Mapping[str, Any] | None
    """The whole status as it should be; None leaves it as it is."""
    event: Event | None = None
    """Posted where the status written differs from the one before, so that a repeat says nothing."""
    retry_after: float | None = None
    """Seconds until the next look; None waits for the next health check."""
    failed: bool = False
    """Back off: the next look comes later with each failure in a row."""
    left: bool = False
    """Nothing of the resource is left to do: its finalizer may go."""

"""What a plan is made with, beside the resource and what was observed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from litellm_database_operator.model.bundle import Bundle
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.model.secret import Password

PROOF_AFTER: Final = timedelta(hours=24)
"""How old the last comparison of a complete database grows, where no setting says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshPasswords:
    """Minted for this pass, used where a plan needs a new one."""

    app: Password
    migrator: Password


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewTarget:
    """What spec.migration.preview asks for."""

    bundle: Bundle | None
    refusal: str = ""
    """Why there is no such bundle, or none that would do."""
    reason: Reason = Reason.UNKNOWN_VERSION
    """The same in a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Time, chance and the library, handed in so that planning stays pure."""

    target: Bundle
    mark: Mark
    """The resource's claim, as the owner role should bear it."""
    fresh: FreshPasswords
    image: str
    """What the pod of a Job runs."""
    now: datetime
    preview: PreviewTarget | None = None
    history: frozenset[str] = frozenset()
    """Names of the image's files of our own history."""
    proof_after: timedelta = PROOF_AFTER
    """How old the last comparison of a complete database may grow before another is made."""

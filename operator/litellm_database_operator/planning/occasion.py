"""What a plan is made with, beside the resource and what was observed."""

from dataclasses import dataclass
from datetime import datetime

from litellm_database_operator.model.bundle import Bundle
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.model.secret import Password


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshPasswords:
    """Minted for this pass, used where a plan needs a new one."""

    app: Password
    migrator: Password


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

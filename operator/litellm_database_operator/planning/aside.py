"""What runs beside the way to the target: a comparison from time to time, and a preview of another target.

Neither has a say in Ready. One Job at a time for a database: they wait for its migration, and it for them.
"""

from dataclasses import dataclass
from typing import Final

from litellm_database_operator.model.observed import InsideFacts, Observed
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.planning.occasion import Occasion
from litellm_database_operator.planning.preview import PreviewFinding, plan_preview, previewed
from litellm_database_operator.planning.proof import is_proof_due, proof_question
from litellm_database_operator.planning.question import running_job
from litellm_database_operator.planning.running import LOOK_AGAIN, LOOK_AT_A_RUN
from litellm_database_operator.planning.start import start
from litellm_database_operator.planning.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """The step of what runs beside, what is told of the preview, and when it is looked at again."""

    steps: tuple[Step, ...] = ()
    preview: PreviewFinding | None = None
    waits: bool = False
    """For one of the server's limits.concurrentMigrations."""
    retry_after: float | None = None


NOTHING_ASIDE: Final = Aside()


def wants_aside(resource: LiteLLMDatabase, inside: InsideFacts, occasion: Occasion) -> bool:
    """Tell whether Jobs have to be looked at although the database is at its target."""
    return previewed(occasion) is not None or is_proof_due(resource, inside, occasion)


def plan_aside(
    resource: LiteLLMDatabase, observed: Observed, inside: InsideFacts, occasion: Occasion, *, settled: bool
) -> Aside:
    """Decide on the Job that runs beside; nothing is started until the target is `settled`."""
    preview = plan_preview(resource, observed, inside, occasion, settled=settled)
    if not settled:
        return Aside(preview=preview.finding)
    wanted = preview.question or proof_question(resource, inside, observed.jobs, occasion)
    if running_job(observed.jobs):
        return Aside(preview=preview.finding, retry_after=LOOK_AT_A_RUN)
    if wanted is None:
        return Aside(preview=preview.finding, retry_after=preview.retry_after)
    if not observed.may_migrate:
        # A person waits for a preview. A thousand proofs can be due at once: each comes again with its next look.
        waits = preview.question is not None
        return Aside(preview=preview.finding, waits=waits, retry_after=LOOK_AGAIN if waits else None)
    step = start(resource, observed, occasion, wanted)
    return Aside(steps=(step,), preview=preview.finding, retry_after=LOOK_AT_A_RUN)

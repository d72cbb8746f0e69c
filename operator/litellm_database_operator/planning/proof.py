"""When a database at its target is compared with it again although nobody asks: what is removed by hand shows then.

A proof is a run of the migrator that finds nothing to apply. It has no say in Ready while it waits and runs; what it
finds is in the history, and the next look reads it there. Called by aside.py.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from litellm_database_operator.model.bundle import Bundle
from litellm_database_operator.model.observed import InsideFacts, JobFacts
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.schema_state import SchemaState
from litellm_database_operator.planning.approval import how_to_approve
from litellm_database_operator.planning.gate import gate_fingerprint
from litellm_database_operator.planning.occasion import Occasion
from litellm_database_operator.planning.question import Question, migration_question, running_job
from litellm_database_operator.planning.running import held_up
from litellm_database_operator.planning.seen import state_of
from litellm_database_operator.planning.verdict import plan_that_waits, told_of_failure

_AGAIN_AFTER: Final = timedelta(hours=1)
"""So long after it a proof is repeated that failed; and one that found something missing, in case that was mended."""
_SPREAD: Final = 0.1
"""By how much the time between two proofs differs from database to database, up and down."""


def proof_due(target: Bundle, inside: InsideFacts, *, uid: str, now: datetime, every: timedelta) -> str:
    """Return which proof is due, empty when none is: it is named after the comparison that it renews.

    Every operator finds the same name, so that one Job is made. `every` zero: none ever is.
    """
    judged = inside.comparison(target.digest)
    if judged is None or not every or state_of(target, inside) not in (SchemaState.CURRENT, SchemaState.DRIFTED):
        return ""
    pause = min(every, _AGAIN_AFTER) if judged.missing else every * _stretch(uid)
    return judged.at.isoformat() if now - judged.at >= pause else ""


def _stretch(uid: str) -> float:
    """Return between 0.9 and 1.1, always the same for one resource: those made together are not compared together."""
    number = int.from_bytes(hashlib.sha256(uid.encode()).digest()[:4]) / 2**32
    return 1 - _SPREAD + 2 * _SPREAD * number


def proof_question(
    resource: LiteLLMDatabase, inside: InsideFacts, jobs: Iterable[JobFacts], occasion: Occasion
) -> Question | None:
    """Return the run that is due for a proof, or None."""
    proof = _due(resource, inside, occasion)
    last = _last(resource, proof, jobs)
    if not proof or (last is not None and occasion.now - last.created < _AGAIN_AFTER):
        return None
    return migration_question(resource, occasion.target, inside, proof=proof)


def is_proof_due(resource: LiteLLMDatabase, inside: InsideFacts, occasion: Occasion) -> bool:
    """Tell whether Jobs have to be looked at for a proof."""
    return bool(_due(resource, inside, occasion))


def told_of_proof(
    resource: LiteLLMDatabase, inside: InsideFacts, jobs: tuple[JobFacts, ...], occasion: Occasion
) -> str:
    """Return why the proof that is due cannot be made, empty where nothing is in its way."""
    proof, running = _due(resource, inside, occasion), running_job(jobs)
    if running is not None:
        held = held_up(running) if running.proof else None
        return f"the comparison after that of {running.proof} waits: {held.message}" if held else ""
    last = _last(resource, proof, jobs)
    if last is None:
        return ""
    if last.succeeded:
        return _told_of_gate(resource, last)
    why = told_of_failure(resource, last, f"Job {last.name}")
    return f"the comparison after that of {proof} could not be made, and is tried every hour: {why.message}"


def _due(resource: LiteLLMDatabase, inside: InsideFacts, occasion: Occasion) -> str:
    uid, every = resource.metadata.uid, occasion.proof_after
    return proof_due(occasion.target, inside, uid=uid, now=occasion.now, every=every)


def _told_of_gate(resource: LiteLLMDatabase, last: JobFacts) -> str:
    """Return what a comparison found to build and was not let: an index that somebody dropped, and policy Manual."""
    plan = plan_that_waits(last)
    if plan is None:
        return ""
    return f"a comparison found something to build, which waits for approval: {how_to_approve(resource, plan)}"


def _last(resource: LiteLLMDatabase, proof: str, jobs: Iterable[JobFacts]) -> JobFacts | None:
    """Return the newest finished Job of a proof: the database shows nothing of it, so that it came to nothing."""
    asked = (proof, gate_fingerprint(resource.spec.migration), resource.retry)
    return next((job for job in jobs if proof and job.finished and (job.proof, job.gate, job.retry) == asked), None)

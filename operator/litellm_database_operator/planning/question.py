"""What a run of the migrator is to answer, and which Job has answered it.

The Job's name is made from the question, so that nothing runs twice for it, whoever asks.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from litellm_database_operator.model import names
from litellm_database_operator.model.bundle import Bundle, ledger_fingerprint
from litellm_database_operator.model.migration import RunMode
from litellm_database_operator.model.observed import InsideFacts, JobFacts
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.planning.gate import gate_fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One run: to which target, from which ledger, asked how often, and what for."""

    target: Bundle
    ledger: str
    retry: str
    mode: RunMode
    gate: str
    proof: str = ""

    def job_name(self, resource: LiteLLMDatabase) -> str:
        """Return the name of the Job that answers it."""
        meta = resource.metadata
        asked = (self.target.digest, self.ledger, self.retry, self.mode, self.gate, self.proof)
        return names.job_name(meta.name, meta.uid, *asked)


def migration_question(resource: LiteLLMDatabase, target: Bundle, inside: InsideFacts, *, proof: str = "") -> Question:
    """Return the question that brings the database to its target, or that only compares it there."""
    return Question(
        target=target,
        ledger=ledger_fingerprint(inside.finished),
        retry=resource.retry,
        mode=RunMode.MIGRATE,
        gate=gate_fingerprint(resource.spec.migration),
        proof=proof,
    )


def preview_question(resource: LiteLLMDatabase, target: Bundle, inside: InsideFacts) -> Question:
    """Return the question what going to `target` would do; no gate has a say in it."""
    return Question(
        target=target,
        ledger=ledger_fingerprint(inside.finished),
        retry=resource.retry,
        mode=RunMode.PREVIEW,
        gate="",
    )


def last_answer(question: Question, jobs: Iterable[JobFacts]) -> JobFacts | None:
    """Return the newest finished Job of that mode, target, retry and gate, whatever ledger it started from."""
    asked = (question.mode, question.target.digest, question.retry, question.gate)
    answers = (job for job in jobs if job.finished and (job.mode, job.target, job.retry, job.gate) == asked)
    return next(answers, None)


def running_job(jobs: Iterable[JobFacts]) -> JobFacts | None:
    """Return the Job that has not finished."""
    return next((job for job in jobs if not job.finished), None)


def is_aside(job: JobFacts) -> bool:
    """Tell whether a Job brings the database nowhere, so that Ready does not depend on it."""
    return job.mode is RunMode.PREVIEW or bool(job.proof)

"""The step that starts a run of the migrator."""

from litellm_database_operator.model.observed import Observed
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.planning.credentials import binding
from litellm_database_operator.planning.occasion import Occasion
from litellm_database_operator.planning.question import Question
from litellm_database_operator.planning.running import template_fingerprint
from litellm_database_operator.planning.steps import StartMigration


def start(resource: LiteLLMDatabase, observed: Observed, occasion: Occasion, question: Question) -> StartMigration:
    """Return the step that has a Job answer a question; finished ones of its mode go."""
    asked, roles = resource.spec.migration, resource.roles
    app = binding(resource, observed, occasion.fresh.migrator)
    return StartMigration(
        job=question.job_name(resource),
        bundle=question.target.version,
        target=question.target.digest,
        ledger=question.ledger,
        retry=question.retry,
        mode=question.mode,
        policy=asked.policy,
        approved=asked.approved_plan,
        engine=asked.engine,
        gate=question.gate,
        proof=question.proof,
        template=template_fingerprint(asked.pod_template, image=occasion.image),
        deadline=asked.deadline,
        binding=app.for_login(roles.migrator),
        ca=observed.ca,
        app=roles.app,
        server=observed.server_key,
        pod_template=asked.pod_template,
        replaces=tuple(job.name for job in observed.jobs if job.finished and job.mode is question.mode),
    )

"""One plan for one LiteLLMDatabase: what is done now, and how each condition stands.

Pure: the same resource, observation, target and time give the same plan. Called by reconcile/database.py.
"""

from dataclasses import dataclass, replace

from litellm_database_operator.model.bundle import Bundle
from litellm_database_operator.model.observed import LoginState, Observed
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.planning import guards
from litellm_database_operator.planning.aside import NOTHING_ASIDE, Aside
from litellm_database_operator.planning.credentials import plan_credentials
from litellm_database_operator.planning.database import is_new, plan_database, plan_history
from litellm_database_operator.planning.findings import Finding, State, done, stalled, waiting
from litellm_database_operator.planning.limits import kept_connections, too_many_connections
from litellm_database_operator.planning.migration import plan_migration
from litellm_database_operator.planning.occasion import Occasion
from litellm_database_operator.planning.roles import beyond_the_admin
from litellm_database_operator.planning.steps import CloseMigration, StartMigration, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done now, and what is found of each condition."""

    target: Bundle
    steps: tuple[Step, ...]
    provisioned: Finding
    published: Finding
    migrated: Finding
    healthy: Finding
    aside: Aside = NOTHING_ASIDE
    """What runs beside, and has no say in Ready."""

    def findings(self) -> tuple[Finding, ...]:
        """Return them in the order in which they are worked on; the first that is not done decides on Ready."""
        return (self.provisioned, self.published, self.migrated, self.healthy)

    def decisive(self) -> Finding | None:
        """Return the finding that keeps the database from being ready, or None."""
        return next((each for each in self.findings() if each.state in (State.STALLED, State.WAITING)), None)

    def retry_after(self) -> float | None:
        """Return in how many seconds the next look is due, None for the next check."""
        decisive = self.decisive()
        asked = (decisive.retry_after if decisive else None, self.aside.retry_after)
        return min((each for each in asked if each is not None), default=None)


def make_plan(resource: LiteLLMDatabase, observed: Observed, occasion: Occasion) -> Plan:
    """Plan one pass; raises what guards raise, and then nothing is done."""
    guards.check_observed(resource, observed, occasion.mark)
    database = tuple(plan_database(resource, observed, occasion.mark))
    credentials = tuple(plan_credentials(resource, observed, fresh=occasion.fresh.app))
    migration = plan_migration(resource, observed, occasion, is_new=is_new(resource, observed))
    run = any(isinstance(step, StartMigration) for step in migration.steps)
    history = tuple(plan_history(resource, observed, occasion.history, needed=run))
    plan = Plan(
        target=occasion.target,
        steps=database + credentials + history + migration.steps,
        provisioned=_provisioned(resource, observed, database),
        published=_settled(credentials, Reason.PUBLISHED, f"Secret {resource.secret_name} holds a login that works"),
        migrated=migration.finding,
        healthy=_healthy(resource, observed),
        aside=migration.aside,
    )
    return _suspended(plan) if resource.spec.suspend else _within_limits(plan, resource, observed)


def _provisioned(resource: LiteLLMDatabase, observed: Observed, steps: tuple[Step, ...]) -> Finding:
    text = f"database {resource.database} and its roles are there{kept_connections(resource, observed)}"
    return _settled(steps, Reason.PROVISIONED, text)


def _within_limits(plan: Plan, resource: LiteLLMDatabase, observed: Observed) -> Plan:
    """Say of a database that asks for too much that a person must act; it is tended all the same."""
    if not (told := too_many_connections(resource, observed)):
        return plan
    found = stalled(Reason.LIMIT_EXCEEDED, told)
    return replace(plan, provisioned=replace(found, retry_after=0) if plan.steps else found)


def _settled(steps: tuple[Step, ...], reason: Reason, message: str) -> Finding:
    if steps:
        return waiting(Reason.PROVISIONING, "being made or mended", retry_after=0)
    return done(reason, message)


def _healthy(resource: LiteLLMDatabase, observed: Observed) -> Finding:
    if observed.login is LoginState.WORKS:
        if told := beyond_the_admin(resource, observed.catalog, observed.server):
            return Finding(state=State.UNWELL, reason=Reason.ADMIN_LACKS_PRIVILEGES, message=told)
        return done(Reason.HEALTHY, "the published login works")
    if observed.login is LoginState.CROWDED:
        text = (
            "the app's connections are all in use, or the server's: the login was refused for that alone. "
            "Raise spec.credentials.connectionLimit, or lower the proxies' pools"
        )
        return Finding(state=State.UNWELL, reason=Reason.SERVER_BUSY, message=text)
    return waiting(Reason.LOGIN_FAILED, "the published login was not tried, or refused, in this look", retry_after=0)


def _suspended(plan: Plan) -> Plan:
    """Keep what was found and drop the steps: nothing is healed; a run that ended is closed all the same."""
    closing = tuple(step for step in plan.steps if isinstance(step, CloseMigration))
    return replace(
        plan,
        steps=closing,
        provisioned=_left_alone(plan.provisioned),
        published=_left_alone(plan.published),
        migrated=plan.migrated if closing else _left_alone(plan.migrated),
        healthy=_left_alone(plan.healthy),
        aside=NOTHING_ASIDE,
    )


def _left_alone(found: Finding) -> Finding:
    """Return a finding that brings nobody back at once: a look would find the same."""
    if found.reason is Reason.PROVISIONING:
        return waiting(Reason.SUSPENDED, "not as it should be, and not mended while spec.suspend is set")
    return replace(found, retry_after=None)

"""The steps of leaving: what is locked, what is dropped, and when nothing is left to do."""

from datetime import datetime, timedelta
from typing import Final

from litellm_database_operator.model import names
from litellm_database_operator.model.observed import CatalogFacts, JobFacts
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.planning.database import was_entered
from litellm_database_operator.planning.steps import DeleteJobs, DropDatabase, ReleaseDatabase, Step

RETAIN_LETS_GO_AFTER: Final = timedelta(minutes=2)
"""How long a deletion with Retain waits for a server that cannot be reached, to lock its logins."""


def plan_leaving(
    resource: LiteLLMDatabase, catalog: CatalogFacts, jobs: tuple[JobFacts, ...], mark: Mark
) -> tuple[Step, ...]:
    """Return what is left to do; nothing is dropped or locked that does not bear this very resource's mark."""
    steps: list[Step] = []
    if jobs:
        steps.append(DeleteJobs(jobs=tuple(job.name for job in jobs)))
    if not is_of(catalog, mark):
        return tuple(steps)
    nothing_to_keep = catalog.database is None and not was_entered(resource, catalog)
    if resource.spec.deletion_policy == "Delete" or nothing_to_keep:
        roles = tuple(role for role in reversed(resource.roles.all()) if role in catalog.roles)
        exists = catalog.database is not None
        steps.append(DropDatabase(database=resource.database, roles=roles, exists=exists))
    elif catalog.mark and not catalog.mark.released:
        steps.append(ReleaseDatabase(roles=resource.roles, mark=mark.release()))
    return tuple(steps)


def is_of(catalog: CatalogFacts, mark: Mark) -> bool:
    """Tell whether what stands on the server is marked as the very resource's that `mark` is made of."""
    found = catalog.mark
    return found is not None and found.same_claim(mark) and found.uid == mark.uid


def may_abandon(resource: LiteLLMDatabase, *, now: datetime) -> bool:
    """Tell whether a resource is let go although nothing could be locked or dropped."""
    if resource.metadata.annotations.get(names.ABANDON_ANNOTATION) == "true":
        return True
    since = resource.metadata.deletion_timestamp
    asked = datetime.fromisoformat(since) if since else now
    return resource.spec.deletion_policy == "Retain" and now - asked >= RETAIN_LETS_GO_AFTER


def farewell(resource: LiteLLMDatabase, catalog: CatalogFacts, steps: tuple[Step, ...], mark: Mark) -> str:
    """Return what became of the database, for the Event of the deletion."""
    if any(isinstance(step, DropDatabase) for step in steps):
        return f"database {resource.database} is dropped, and its roles with it"
    if is_of(catalog, mark):
        return f"database {resource.database} is kept; its logins are locked"
    return f"nothing on the server bears this resource's mark: nothing was locked or dropped ({resource.database})"


def how_to_let_go(resource: LiteLLMDatabase) -> str:
    """Return what a deletion waits for, and how it need not."""
    meta = resource.metadata
    command = f"kubectl -n {meta.namespace} annotate litellmdatabase {meta.name} {names.ABANDON_ANNOTATION}=true"
    if resource.spec.deletion_policy == "Delete":
        return f"The database is dropped when the server answers. To let the resource go without: {command}"
    minutes = RETAIN_LETS_GO_AFTER.seconds // 60
    return f"The resource goes {minutes} minutes after it was deleted, with the logins left open; at once by: {command}"

"""The migrations that run when the operator starts: they count before the first pass starts another."""

from collections.abc import Sequence

from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.job_facts import is_finished
from litellm_database_operator.kube.reading import annotations, labels
from litellm_database_operator.model import names
from litellm_database_operator.model.resource_key import ResourceKey
from litellm_database_operator.reconcile.slots import MigrationSlots


async def count_runs(slots: MigrationSlots, cluster: Cluster, namespaces: Sequence[str | None]) -> None:
    """Occupy a slot for each Job that has not finished; a namespace of None is the whole cluster."""
    for namespace in namespaces:
        for job in await cluster.list_all_jobs(namespace):
            server = annotations(job).get(names.ON_SERVER_ANNOTATION)
            if server and not is_finished(job):
                owner = ResourceKey(
                    names.DATABASE_KIND, job["metadata"]["namespace"], labels(job)[names.DATABASE_LABEL]
                )
                slots.occupy(server, owner)

"""The migrations that run when the operator starts: they count before the first pass starts another."""

from collections.abc import Sequence

from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.job_facts import is_finished
from litellm_database_operator.kube.kinds import DATABASE, uid_of
from litellm_database_operator.kube.reading import annotations, controller_uid
from litellm_database_operator.kube.resources import Resources
from litellm_database_operator.model import names
from litellm_database_operator.model.resource_key import key_of
from litellm_database_operator.reconcile.slots import MigrationSlots


async def count_runs(
    slots: MigrationSlots, cluster: Cluster, resources: Resources, namespaces: Sequence[str | None]
) -> None:
    """Occupy a slot for each Job that has not finished; a namespace of None is the whole cluster.

    Labels and annotations are anybody's to write: a Job counts by the LiteLLMDatabase that controls it. Who forges that
    too, of a database of his own, holds a slot until it ages.
    """
    for namespace in namespaces:
        running = [job for job in await cluster.list_all_jobs(namespace) if not is_finished(job)]
        bodies, _ = await resources.list_all(DATABASE, namespace) if running else ([], 0)
        owners = {(body["metadata"]["namespace"], uid_of(body)): key_of(body) for body in bodies}
        for job in running:
            server = annotations(job).get(names.ON_SERVER_ANNOTATION)
            owner = owners.get((job["metadata"]["namespace"], controller_uid(job) or ""))
            if server and owner:
                slots.occupy(server, owner)

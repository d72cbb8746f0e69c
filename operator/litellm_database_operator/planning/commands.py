"""The next command of whoever reads a message of ours."""

from litellm_database_operator.model import names
from litellm_database_operator.model.resource import LiteLLMDatabase


def how_to_retry(resource: LiteLLMDatabase) -> str:
    """Return the command that asks for another try."""
    meta = resource.metadata
    return (
        f"kubectl -n {meta.namespace} annotate litellmdatabase {meta.name} "
        f"--overwrite {names.RETRY_ANNOTATION}=$(date +%s)"
    )

"""From what the API server sent to a resource, or to the error that its author reads."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from litellm_database_operator.errors import InvalidSpecError
from litellm_database_operator.model import names
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMDatabase, PostgresServer


def parse_database(body: Mapping[str, Any]) -> LiteLLMDatabase:
    """Parse what the API server sent; InvalidSpecError names the fields that cannot be."""
    try:
        resource = LiteLLMDatabase.model_validate({"metadata": body["metadata"], "spec": body["spec"]})
    except ValidationError as error:
        raise _invalid(error) from error
    if len(resource.database.encode()) > names.MAX_DATABASE_BYTES:
        raise InvalidSpecError(
            Reason.INVALID_SPEC,
            f"cannot use spec.database: it has more than {names.MAX_DATABASE_BYTES} bytes, "
            "and the names of its roles would be cut",
        )
    return resource


def parse_server(body: Mapping[str, Any]) -> PostgresServer:
    """Parse what the API server sent; InvalidSpecError names the fields that cannot be."""
    try:
        return PostgresServer.model_validate({"metadata": body["metadata"], "spec": body["spec"]})
    except ValidationError as error:
        raise _invalid(error) from error


def _invalid(error: ValidationError) -> InvalidSpecError:
    told = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False))
    return InvalidSpecError(Reason.INVALID_SPEC, f"cannot read the resource: {told}")

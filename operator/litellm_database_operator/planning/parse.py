"""From what the API server sent to a resource, or to the error that its author reads."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from litellm_database_operator.errors import InvalidSpecError
from litellm_database_operator.model import names
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMDatabase, PostgresServer

_MAX_NAME_BYTES: Final = 63
"""NAMEDATALEN less one: PostgreSQL cuts what is longer without an error.
https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS"""
_KEPT_SCHEMAS: Final = frozenset({"information_schema", names.OPERATOR_SCHEMA})


def parse_database(body: Mapping[str, Any]) -> LiteLLMDatabase:
    """Parse what the API server sent; InvalidSpecError names the fields that cannot be."""
    try:
        resource = LiteLLMDatabase.model_validate({"metadata": body["metadata"], "spec": body["spec"]})
    except ValidationError as error:
        raise _invalid(error) from error
    for refusal in _refusals(resource):
        raise InvalidSpecError(Reason.INVALID_SPEC, refusal)
    return resource


def parse_server(body: Mapping[str, Any]) -> PostgresServer:
    """Parse what the API server sent; InvalidSpecError names the fields that cannot be."""
    try:
        return PostgresServer.model_validate({"metadata": body["metadata"], "spec": body["spec"]})
    except ValidationError as error:
        raise _invalid(error) from error


def _refusals(resource: LiteLLMDatabase) -> Iterator[str]:
    """Yield what the models' bounds do not say; each would hand a tenant what is not his, or never end."""
    schema = resource.spec.schema_
    if len(resource.database.encode()) > names.MAX_DATABASE_BYTES:
        yield (
            f"cannot use spec.database: it has more than {names.MAX_DATABASE_BYTES} bytes, "
            "and the names of its roles would be cut"
        )
    if len(schema.encode()) > _MAX_NAME_BYTES:
        yield f"cannot use spec.schema: it has more than {_MAX_NAME_BYTES} bytes, and would be cut"
    if schema in _KEPT_SCHEMAS or schema.startswith("pg_"):
        yield "cannot use spec.schema: that one is PostgreSQL's own, or the operator's; choose another, such as public"
    if resource.secret_name == names.migrator_secret(resource.metadata.name):
        yield f"cannot use spec.secret.name: {resource.secret_name} is the migration Job's own Secret; choose another"


def _invalid(error: ValidationError) -> InvalidSpecError:
    told = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False))
    return InvalidSpecError(Reason.INVALID_SPEC, f"cannot read the resource: {told}")

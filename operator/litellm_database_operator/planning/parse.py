"""From what the API server sent to a resource, or to the error that its author reads."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from litellm_database_operator.errors import InvalidSpecError
from litellm_database_operator.model import names
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.reserved import MAX_KEY_PREFIX, RESERVED_KEYS, RESERVED_METADATA, refusals
from litellm_database_operator.model.resource import LiteLLMDatabase, PostgresServer, PublishedSecret
from litellm_database_operator.model.templates import flaw_of
from litellm_database_operator.planning.words import quoted

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
    yield from _secret_refusals(resource.spec.secret)


def _secret_refusals(secret: PublishedSecret) -> Iterator[str]:
    """Yield what would make the Secret another's, break a pod that starts from it, or be refused when it is written."""
    for field, held in (("labels", secret.labels), ("annotations", secret.annotations)):
        yield from (f"cannot use spec.secret.{field}: it {told}" for told in refusals(held, RESERVED_METADATA))
        if any(key.rfind("/") > MAX_KEY_PREFIX for key in held):
            yield f"cannot use spec.secret.{field}: a key has more than {MAX_KEY_PREFIX} characters before its /"
    yield from (f"cannot use spec.secret.keys: it {told}" for told in refusals(secret.keys, RESERVED_KEYS))
    for key, template in secret.keys.items():
        if flaw := flaw_of(template):
            yield f"cannot use spec.secret.keys: the template of {quoted(key)} {flaw}"


def _invalid(error: ValidationError) -> InvalidSpecError:
    told = "; ".join(map(_told, error.errors(include_input=False)))
    return InvalidSpecError(Reason.INVALID_SPEC, f"cannot read the resource: {told}")


def _told(item: ErrorDetails) -> str:
    """Say what is wrong with a field; one that is unknown here was let in by a CRD of a newer release."""
    field = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden":
        return f"{field}: this operator is older than its CRDs and does not know the field: upgrade it, or leave it out"
    return f"{field}: {item['msg']}"

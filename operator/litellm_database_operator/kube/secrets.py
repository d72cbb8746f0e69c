"""The Secrets that the operator makes, and what it reads of one that is there."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from kubernetes.aio.client import V1ObjectMeta, V1Secret

from litellm_database_operator.kube.kinds import uid_of
from litellm_database_operator.kube.objects import Owner, database_labels, owned, server_labels
from litellm_database_operator.kube.reading import Json, annotations, controller_uid, labels, part
from litellm_database_operator.model import names
from litellm_database_operator.model.names import RoleName
from litellm_database_operator.model.observed import SecretFacts
from litellm_database_operator.model.secret import SECRET_TYPE, Password
from litellm_database_operator.planning.steps import PublishCa, PublishSecret, StartMigration

CA_KEY: Final = "ca.crt"
ADMIN: Final = RoleName("postgres")
"""The admin of an embedded server: initdb's superuser."""


def published_secret(step: PublishSecret, owner: Owner) -> V1Secret:
    """Build the Secret that a proxy starts from."""
    annotations = {**step.metadata.annotations, names.SYSTEM_IDENTIFIER_ANNOTATION: step.system_identifier}
    meta = owned(step.name, owner, labels=step.metadata.labels, annotations=annotations)
    return _secret(meta, step.binding.published(), kind=SECRET_TYPE, replaces=step.replaces)


def ca_secret(step: PublishCa, owner: Owner) -> V1Secret:
    """Build the Secret that a proxy mounts to trust the server."""
    asked = step.metadata
    meta = owned(step.name, owner, labels=asked.labels, annotations=asked.annotations)
    return _secret(meta, {CA_KEY: step.certificate}, replaces=step.replaces)


def migrator_secret(step: StartMigration, owner: Owner, *, replaces: str | None) -> V1Secret:
    """Build the Secret that the migration Job mounts; each key is a file there."""
    binding = step.binding
    data = {
        "host": binding.endpoint.host,
        "port": str(binding.endpoint.port),
        "tls": binding.endpoint.tls,
        "database": binding.database,
        "schema": binding.schema,
        "username": binding.login,
        "password": binding.password.reveal(),
        "app": step.app,
    }
    ca = {CA_KEY: step.ca} if step.ca else {}
    return _secret(owned(names.migrator_secret(owner.name), owner), data | ca, replaces=replaces)


def admin_secret(server: str, namespace: str, password: Password) -> V1Secret:
    """Build the Secret with the admin's login of an embedded server; it outlives the server with Retain."""
    name = names.embedded_admin_secret(server)
    meta = V1ObjectMeta(name=name, namespace=namespace, labels=server_labels(server))
    return _secret(meta, {"username": ADMIN, "password": password.reveal()})


def _secret(
    meta: V1ObjectMeta, data: Mapping[str, str], *, kind: str = "Opaque", replaces: str | None = None
) -> V1Secret:
    meta.resource_version = replaces
    encoded: dict[str, bytes | str] = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return V1Secret(api_version="v1", kind="Secret", metadata=meta, type=kind, data=encoded)


def secret_facts(body: Json, owner: str, owner_uid: str) -> SecretFacts:
    """Read a Secret as the LiteLLMDatabase `owner` finds it: ours bears our labels, and `owner_uid` controls it."""
    made_by_us = database_labels(owner).items() <= labels(body).items()
    controller = controller_uid(body)
    return SecretFacts(
        name=body["metadata"]["name"],
        uid=uid_of(body),
        ours=made_by_us and controller == owner_uid,
        predecessor=made_by_us and controller not in (None, owner_uid),
        data=secret_data(body),
        type=body.get("type") or "Opaque",
        resource_version=body["metadata"]["resourceVersion"],
        system_identifier=annotations(body).get(names.SYSTEM_IDENTIFIER_ANNOTATION),
        labels=labels(body),
        annotations=annotations(body),
    )


def secret_data(body: Json) -> dict[str, str]:
    """Return a Secret's keys as text; what is no text cannot be ours, and reads as empty."""
    return {key: _text(value) for key, value in part(body, "data").items()}


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""

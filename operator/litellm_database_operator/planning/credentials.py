"""The published Secret and the password of the login that it names."""

from collections.abc import Iterator
from typing import Final

from litellm_database_operator.model.observed import LoginState, Observed
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.secret import PASSWORD_KEY, Binding, Password
from litellm_database_operator.model.secret_metadata import SecretMetadata, wanted_metadata
from litellm_database_operator.planning.steps import DeleteSecret, PublishCa, PublishSecret, SetPassword, Step

_PASSWORD_STAYS: Final = frozenset({LoginState.WORKS, LoginState.CROWDED, LoginState.SHUT_OUT})
"""Where the login was not refused for its password: proxies that run have it, and would lose it with a new one."""


def binding(resource: LiteLLMDatabase, observed: Observed, password: Password) -> Binding:
    """Return what is published; of the login only the password is ever read from a Secret."""
    return Binding(
        endpoint=observed.endpoint,
        database=resource.database,
        schema=resource.spec.schema_,
        login=resource.roles.app_a,
        password=password,
        keys=resource.spec.secret.keys,
    )


def published_password(observed: Observed) -> Password | None:
    """Return the password of the Secret, or of the one that it replaces under another name."""
    source = observed.secret or observed.former_secret
    return source.password(PASSWORD_KEY) if source and source.ours else None


def plan_credentials(resource: LiteLLMDatabase, observed: Observed, *, fresh: Password) -> Iterator[Step]:
    """Yield what makes the Secret right; `fresh` is used where the published password does not log in.

    A password that does not log in is never set on a role, or whoever may edit the Secret would choose it. The
    Secret has the new one before the role does: a crash between both leaves one that does not log in.
    """
    working = published_password(observed) if observed.login in _PASSWORD_STAYS else None
    wanted = binding(resource, observed, working or fresh)
    metadata = wanted_metadata(resource.spec.secret, observed.secret)
    if _differs(observed, wanted, metadata):
        yield PublishSecret(
            name=resource.secret_name,
            binding=wanted,
            system_identifier=observed.server.system_identifier,
            replaces=observed.secret.resource_version if observed.secret else None,
            metadata=metadata,
        )
    if working is None:
        yield SetPassword(login=wanted.login, password=wanted.password)
    yield from _plan_ca(resource, observed)
    for former in (observed.former_secret, observed.former_ca_secret):
        if former is not None and former.ours:
            yield DeleteSecret(name=former.name, uid=former.uid)


def _differs(observed: Observed, wanted: Binding, metadata: SecretMetadata) -> bool:
    found = observed.secret
    return (
        found is None
        or found.data != wanted.published()
        or found.system_identifier != observed.server.system_identifier
        or not metadata.is_on(found)
    )


def _plan_ca(resource: LiteLLMDatabase, observed: Observed) -> Iterator[Step]:
    found = observed.ca_secret
    if observed.ca is None:
        return
    metadata = wanted_metadata(resource.spec.secret, found)
    if found is None or found.data != {"ca.crt": observed.ca} or not metadata.is_on(found):
        yield PublishCa(
            name=resource.ca_secret_name,
            certificate=observed.ca,
            replaces=found.resource_version if found else None,
            metadata=metadata,
        )

"""From a PostgresServer to its admin's login: out of Secrets of the server's own namespace, and of nowhere else."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from litellm_database_operator.errors import MustActError, UnavailableError
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.embedded import PORT, embedded_host
from litellm_database_operator.kube.secrets import secret_data
from litellm_database_operator.model import names
from litellm_database_operator.model.names import RoleName
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import AdminSecretRef, External, PostgresServer
from litellm_database_operator.model.secret import Endpoint, Password
from litellm_database_operator.postgres.server import AdminLogin

_MAINTENANCE_DATABASE: Final = "postgres"


class AdminLogins:
    """Reads admin Secrets."""

    def __init__(self, cluster: Cluster, allowed_servers: Sequence[str]) -> None:
        """Read through `cluster`; a host must be one of the patterns `allowed_servers`, where there are any."""
        self._cluster = cluster
        self._allowed_servers = allowed_servers

    async def fetch(self, server: PostgresServer) -> AdminLogin:
        """Return the admin's login; what is missing for it, or not allowed, is an OperatorError."""
        namespace = server.metadata.namespace
        if server.spec.external is None:
            return await self._of_embedded(server)
        external = server.spec.external
        self._check_host(external)
        username, password = await self._admin(namespace, external.admin_secret_ref)
        return AdminLogin(
            endpoint=Endpoint(host=external.host, port=external.port, tls=external.tls.effective_mode()),
            database=external.database,
            username=username,
            password=password,
            ca=await self._ca(namespace, external),
        )

    async def _of_embedded(self, server: PostgresServer) -> AdminLogin:
        meta = server.metadata
        ref = AdminSecretRef(name=names.embedded_admin_secret(meta.name))
        username, password = await self._admin(meta.namespace, ref)
        return AdminLogin(
            endpoint=Endpoint(host=embedded_host(meta.name, meta.namespace), port=PORT, tls="disable"),
            database=_MAINTENANCE_DATABASE,
            username=username,
            password=password,
            ca=None,
        )

    def _check_host(self, external: External) -> None:
        patterns = self._allowed_servers
        names_of_host = (external.host, f"{external.host}:{external.port}")
        if patterns and not any(fnmatchcase(name, pattern) for name in names_of_host for pattern in patterns):
            raise MustActError(
                Reason.HOST_NOT_ALLOWED,
                f"cannot use host {external.host}: the operator's setting LITELLMDB_ALLOWED_SERVERS does not list it",
            )

    async def _admin(self, namespace: str, ref: AdminSecretRef) -> tuple[RoleName, Password]:
        body = await self._cluster.fetch_secret(namespace, ref.name)
        if body is None:
            told = (
                f"cannot use the server: its admin Secret {namespace}/{ref.name} does not exist; "
                f"create it with the keys {ref.keys.username} and {ref.keys.password}"
            )
            raise UnavailableError(Reason.ADMIN_SECRET_MISSING, told)
        data = secret_data(body)
        lacking = [key for key in (ref.keys.username, ref.keys.password) if not data.get(key)]
        if lacking:
            raise UnavailableError(
                Reason.ADMIN_SECRET_INCOMPLETE,
                f"cannot log in as the admin: Secret {namespace}/{ref.name} has no key {' and no key '.join(lacking)}; "
                "add it, or name yours in spec.external.adminSecretRef.keys",
            )
        return RoleName(data[ref.keys.username]), Password(data[ref.keys.password])

    async def _ca(self, namespace: str, external: External) -> str | None:
        ref = external.tls.ca_secret_ref
        if ref is None:
            return None
        body = await self._cluster.fetch_secret(namespace, ref.name)
        data = secret_data(body) if body else {}
        if not data.get(ref.key):
            raise UnavailableError(
                Reason.ADMIN_SECRET_INCOMPLETE,
                f"cannot verify the server: there is no Secret {namespace}/{ref.name} with a key {ref.key}",
            )
        return data[ref.key]

"""A database that the migrator brought to a bundle of LiteLLM's, and the login that is published for its proxy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from litellm_database_operator.model.names import CA_MOUNT_PATH, DatabaseName, RoleName, SchemaName, role_names
from litellm_database_operator.model.secret import Binding, Endpoint, Password, mint_password
from tests.integration.migrator.place import Place
from tests.support.litellm_charts import MASTER_KEYS, Variables
from tests.support.litellm_client import generate_client
from tests.support.postgres_server import PostgresServer
from tests.support.tenant import Tenant, gateway_to

OLD, NEW = "0.4.39", "0.4.110"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyDatabase:
    """What a proxy would be given, and what it may do with it: made by the operator's gateway and its migrator."""

    server: PostgresServer
    name: DatabaseName
    schema: SchemaName
    library: Path
    bundle: str
    folder: Path

    @property
    def login(self) -> RoleName:
        """The login that is published."""
        return role_names(self.name).app_a

    def make(self) -> None:
        """Make the database and its roles, and bring it to its bundle."""

        async def make(tenant: Tenant) -> Password:
            await tenant.provision()
            return tenant.passwords[tenant.roles.migrator]

        password = self._as_operator(make).reveal()
        place = Place(
            server=self.server,
            database=self.name,
            schema=self.schema,
            folder=self.folder,
            changes={"password": password},
        )
        ended = place.run(self.library, self.bundle)
        assert ended.code == 0, ended.report

    def binding(self, password: str | None = None, *, tls: str = "disable") -> Binding:
        """Give the login a password, a minted one unless told which, and return what is published of it."""
        given = Password(password) if password else mint_password()
        self._as_operator(lambda tenant: tenant.gateway.set_password(self.login, given))
        return Binding(
            endpoint=Endpoint(host=self.server.host, port=self.server.port, tls=tls),
            database=self.name,
            schema=self.schema,
            login=self.login,
            password=given,
        )

    def _as_operator(self, work: Callable[[Tenant], Awaitable[T]]) -> T:
        async def run() -> T:
            gateway = gateway_to(self.server, self.server.superuser)
            try:
                facts = await gateway.fetch_facts()
                tenant = Tenant(
                    server=self.server, gateway=gateway, facts=facts, database=self.name, schema=self.schema
                )
                return await work(tenant)
            finally:
                await gateway.close()

        return asyncio.run(run())

    def client(self) -> Path:
        """Return Prisma's client for the data model of the bundle."""
        return _client(self.library, self.bundle)


@cache
def _client(library: Path, bundle: str) -> Path:
    facts = json.loads((library / f"{bundle}.json").read_text())
    return generate_client((library / "objects" / facts["schema"]).read_text())


def at_port(binding: Binding, port: int) -> Binding:
    """Return the same binding on another port."""
    return replace(binding, endpoint=replace(binding.endpoint, port=port))


def secrets_of(binding: Binding) -> Mapping[str, Mapping[str, str]]:
    """Return the Secrets that a release named gateway finds."""
    keys = {name: {key: "sk-1234"} for name, key in MASTER_KEYS.values()}
    return {"gateway-db": binding.published(), **keys}


def mounted(environment: Mapping[str, str], ca: Path) -> Variables:
    """Return an environment for this machine, where the CA is mounted nowhere."""
    here = str(ca)
    return Variables(
        (name, text.replace(quote(CA_MOUNT_PATH, safe=""), quote(here, safe="")).replace(CA_MOUNT_PATH, here))
        for name, text in environment.items()
    )

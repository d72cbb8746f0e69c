"""Secrets that cannot be printed by accident, and the Secret that is published for a proxy."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote, urlencode

from litellm_database_operator.model.names import CA_MOUNT_PATH, DatabaseName, RoleName, SchemaName
from litellm_database_operator.model.templates import escaped_for_pgpass, expand, in_forms

_PASSWORD_BYTES: Final = 32
SECRET_TYPE: Final = "servicebinding.io/postgresql"
PASSWORD_KEY: Final = "DATABASE_PASSWORD"


@dataclass(frozen=True, slots=True, repr=False)
class Password:
    """A password; only `reveal` gives it away, never repr, str or a traceback's locals."""

    _text: str

    def reveal(self) -> str:
        """Return the text, for the one place that must have it."""
        return self._text

    def __repr__(self) -> str:
        """Hide the text."""
        return "Password(…)"


def mint_password() -> Password:
    """Return a new password: 256 bits, and nothing in it that a URL or a shell would have to escape."""
    return Password(secrets.token_urlsafe(_PASSWORD_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a server is reached, and how its certificate is judged."""

    host: str
    port: int
    tls: str
    """disable, require or verify-full: the mode of the PostgresServer."""

    def authority(self) -> str:
        """Return host:port as a URL writes it; an IPv6 address needs brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a proxy needs to know of its database."""

    endpoint: Endpoint
    database: DatabaseName
    schema: SchemaName
    login: RoleName
    password: Password
    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    """Templates of further keys."""

    def for_login(self, login: RoleName) -> "Binding":
        """Return the same database as another login enters it; its password is that of `self`."""
        return replace(self, login=login)

    def published(self) -> Mapping[str, str]:
        """Return the keys of the published Secret.

        Upper case is what both LiteLLM charts hand to the proxy by envFrom; DATABASE_SCHEMA always, or the
        newer chart leaves a literal $(DATABASE_SCHEMA). Lower case is what their `*Key` values name and what
        the Service Binding specification asks for. Then what spec.secret.keys asks for; ours win.
        DATABASE_SSLROOTCERT is for the URLs that LiteLLM makes itself, of a read replica for one.
        """
        host, port = self.endpoint.host, str(self.endpoint.port)
        password = self.password.reveal()
        values = self.placeholders()
        return {key: expand(template, values) for key, template in self.keys.items()} | {
            "DATABASE_URL": self.prisma_url(),
            "DATABASE_HOST": host,
            "DATABASE_PORT": port,
            "DATABASE_NAME": self.database,
            "DATABASE_SCHEMA": self.schema,
            "DATABASE_USER": self.login,
            "DATABASE_USERNAME": self.login,
            PASSWORD_KEY: password,
            "DATABASE_SSLMODE": self.endpoint.tls,
            "DISABLE_SCHEMA_UPDATE": "true",
            "type": "postgresql",
            "provider": "litellm-database-operator",
            "host": host,
            "port": port,
            "database": self.database,
            "endpoint": self.endpoint.authority(),
            "username": self.login,
            "password": password,
            "uri": self.libpq_url(),
            **({"DATABASE_SSLROOTCERT": CA_MOUNT_PATH} if self.endpoint.tls == "verify-full" else {}),
        }

    def placeholders(self) -> Mapping[str, str]:
        """Return what each placeholder of a template stands for, the password among them."""
        host = self.endpoint.host
        return {
            "host": host,
            "host.pgpass": escaped_for_pgpass(host),
            "port": str(self.endpoint.port),
            "endpoint": self.endpoint.authority(),
            "sslmode": self.endpoint.tls,
            "schema": self.schema,
            "schema.url": quote(self.schema, safe=""),
            **in_forms("database", self.database),
            **in_forms("username", self.login),
            **in_forms("password", self.password.reveal()),
            "database_url": self.prisma_url(),
            "uri": self.libpq_url(),
        }

    def prisma_url(self) -> str:
        """Return the URL in Prisma's dialect, which knows no verify-full and names its CA `sslcert`.

        https://www.prisma.io/docs/orm/overview/databases/postgresql
        """
        tls = {
            "disable": {"sslmode": "disable"},
            "require": {"sslmode": "require"},
            "verify-full": {"sslmode": "require", "sslaccept": "strict", "sslcert": CA_MOUNT_PATH},
        }[self.endpoint.tls]
        return self._url({"schema": self.schema} | tls)

    def libpq_url(self) -> str:
        """Return the URL in libpq's dialect, which refuses Prisma's `schema`.

        https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
        """
        query = {"sslmode": self.endpoint.tls, "options": f"-csearch_path={quote_option(self.schema)}"}
        if self.endpoint.tls == "verify-full":
            query["sslrootcert"] = CA_MOUNT_PATH
        return self._url(query)

    def _url(self, query: Mapping[str, str]) -> str:
        user, password = quote(self.login, safe=""), quote(self.password.reveal(), safe="")
        # quote, not quote_plus: libpq takes a + for a plus
        parameters = urlencode(query, quote_via=quote, safe="")
        database = quote(self.database, safe="")
        return f"postgresql://{user}:{password}@{self.endpoint.authority()}/{database}?{parameters}"


def quote_option(schema: str) -> str:
    """Return a schema's name as an identifier inside libpq's `options`, where a space ends an option."""
    identifier = '"' + schema.replace('"', '""') + '"'
    return identifier.replace("\\", "\\\\").replace(" ", "\\ ")

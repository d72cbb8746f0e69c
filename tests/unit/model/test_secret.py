"""What is published: read back by whoever connects with it, and never printed."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from litellm_database_operator.model.names import DatabaseName, RoleName, SchemaName
from litellm_database_operator.model.observed import SecretFacts
from litellm_database_operator.model.secret import Binding, Endpoint, Password, mint_password, quote_option
from litellm_database_operator.planning.steps import PublishSecret, SetPassword
from tests.support.planning import UNHURRIED, binding_of, occasion_of, ready, resource_of, secret_of

NAME = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20)
TLS = st.sampled_from(["disable", "require", "verify-full"])
HOST = st.sampled_from(["db.example", "10.0.0.7", "2001:db8::7"])
NASTY = [
    pytest.param('it\'s "quoted"', id="quotes"),
    pytest.param("with space", id="a space"),
    pytest.param("100%25", id="percent signs"),
    pytest.param("a:b", id="a colon"),
    pytest.param("a/b", id="a slash"),
    pytest.param("a@b", id="an at sign"),
    pytest.param("a?b=c&d#e", id="a query and a fragment"),
    pytest.param("a+b", id="a plus"),
    pytest.param("back\\slash", id="a backslash"),
    pytest.param("größe日本", id="characters of many bytes"),
]


def binding(  # noqa: PLR0913 - what a binding is made of
    *,
    host: str = "db.example",
    tls: str = "require",
    database: str = "team-a_gateway",
    schema: str = "public",
    login: str = "team-a_gateway_app_a",
    password: str = "secret",  # noqa: S107 - of no server
) -> Binding:
    """Return a binding."""
    return Binding(
        endpoint=Endpoint(host=host, port=6432, tls=tls),
        database=DatabaseName(database),
        schema=SchemaName(schema),
        login=RoleName(login),
        password=Password(password),
    )


def search_path(options: str) -> str:
    """Read libpq's `options` as the server does: it splits at spaces, and a backslash keeps the next character."""
    text, escaped = "", False
    for char in options:
        assert escaped or char != " ", "the option would end here"
        escaped = not escaped and char == "\\"
        text += "" if escaped else char
    return text.removeprefix("-csearch_path=")


def assert_read_back(made: Binding) -> None:
    """Compare both URLs with what they were made of."""
    libpq = conninfo_to_dict(made.libpq_url())
    assert (libpq["host"], libpq["port"]) == (made.endpoint.host, "6432")
    assert (libpq["user"], libpq["password"]) == (made.login, made.password.reveal())
    assert (libpq["dbname"], libpq["sslmode"]) == (made.database, made.endpoint.tls)
    assert search_path(str(libpq["options"])) == '"' + made.schema.replace('"', '""') + '"'
    prisma = urlsplit(made.prisma_url())
    assert (prisma.hostname, prisma.port) == (made.endpoint.host, 6432)
    assert (unquote(prisma.username or ""), unquote(prisma.password or "")) == (made.login, made.password.reveal())
    assert unquote(prisma.path) == f"/{made.database}"
    assert parse_qs(prisma.query, strict_parsing=True)["schema"] == [made.schema]
    assert "+" not in prisma.query


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("where", ["password", "schema", "database", "login"])
def test_urls_are_read_back_whatever_a_name_holds(where: str, text: str) -> None:
    parts: dict[str, Any] = {where: text}
    assert_read_back(binding(**parts))


@UNHURRIED
@given(NAME, NAME, NAME, NAME, HOST, TLS)
def test_urls_are_read_back_whatever_all_names_hold(  # noqa: PLR0913, PLR0917 - each is drawn
    database: str, schema: str, login: str, password: str, host: str, tls: str
) -> None:
    assert_read_back(binding(database=database, schema=schema, login=login, password=password, host=host, tls=tls))


@pytest.mark.parametrize(
    ("tls", "prisma", "libpq"),
    [
        pytest.param("disable", {"sslmode": ["disable"]}, {"sslmode": "disable"}, id="no TLS"),
        pytest.param("require", {"sslmode": ["require"]}, {"sslmode": "require"}, id="TLS with any certificate"),
        pytest.param(
            "verify-full",
            {"sslmode": ["require"], "sslaccept": ["strict"], "sslcert": ["/etc/litellmdb/ca.crt"]},
            {"sslmode": "verify-full", "sslrootcert": "/etc/litellmdb/ca.crt"},
            id="TLS with a certificate of the CA",
        ),
    ],
)
def test_each_dialect_has_its_own_words_for_tls(tls: str, prisma: dict[str, list[str]], libpq: dict[str, str]) -> None:
    made = binding(tls=tls)
    query = parse_qs(urlsplit(made.prisma_url()).query)
    assert {key: value for key, value in query.items() if key != "schema"} == prisma
    told = conninfo_to_dict(made.libpq_url())
    assert {key: value for key, value in told.items() if key.startswith("ssl")} == libpq


def test_an_ipv6_address_stands_in_brackets_where_a_port_follows() -> None:
    published = binding(host="2001:db8::7").published()
    assert published["endpoint"] == "[2001:db8::7]:6432"
    assert published["DATABASE_HOST"] == published["host"] == "2001:db8::7"


def test_everything_that_a_proxy_or_its_chart_reads_is_published() -> None:
    made = binding(schema="litellm")
    assert made.published() == {
        "DATABASE_URL": made.prisma_url(),
        "DATABASE_HOST": "db.example",
        "DATABASE_PORT": "6432",
        "DATABASE_NAME": "team-a_gateway",
        "DATABASE_SCHEMA": "litellm",
        "DATABASE_USER": "team-a_gateway_app_a",
        "DATABASE_USERNAME": "team-a_gateway_app_a",
        "DATABASE_PASSWORD": "secret",
        "DATABASE_SSLMODE": "require",
        "DISABLE_SCHEMA_UPDATE": "true",
        "type": "postgresql",
        "provider": "litellm-database-operator",
        "host": "db.example",
        "port": "6432",
        "database": "team-a_gateway",
        "endpoint": "db.example:6432",
        "username": "team-a_gateway_app_a",
        "password": "secret",
        "uri": made.libpq_url(),
    }


def test_the_place_of_the_ca_is_published_where_there_is_one() -> None:
    assert binding(tls="verify-full").published()["DATABASE_SSLROOTCERT"] == "/etc/litellmdb/ca.crt"
    assert "DATABASE_SSLROOTCERT" not in binding(tls="require").published()


def test_no_key_takes_a_variable_that_the_charts_or_the_shell_set() -> None:
    taken = {"HOST", "PORT", "PATH", "HOME", "USER", "LITELLM_MASTER_KEY", "LITELLM_LOG", "NUM_WORKERS", "ca.crt"}
    assert not taken & binding().published().keys()


def test_another_login_enters_the_same_database() -> None:
    made = binding()
    migrator = made.for_login(RoleName("team-a_gateway_migrator"))
    assert migrator.login == "team-a_gateway_migrator"
    assert (migrator.database, migrator.endpoint, migrator.password) == (made.database, made.endpoint, made.password)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param("public", '"public"', id="a plain name"),
        pytest.param('a"b', '"a""b"', id="a quote is doubled"),
        pytest.param("a b", '"a\\ b"', id="a space is escaped"),
        pytest.param("a\\b", '"a\\\\b"', id="a backslash is escaped"),
        pytest.param("a -c role=x", '"a\\ -c\\ role=x"', id="no second option"),
    ],
)
def test_a_schema_is_one_option(schema: str, expected: str) -> None:
    assert quote_option(schema) == expected


HIDDEN = "never-to-be-printed"


def holders() -> list[object]:
    """Return everything that holds a password on its way."""
    resource = resource_of()
    made, password = binding_of(resource, Password(HIDDEN)), Password(HIDDEN)
    secret = secret_of("gateway-db", made.published())
    step = PublishSecret(name="gateway-db", binding=made, system_identifier="1", replaces=None)
    set_password = SetPassword(login=resource.roles.app_a, password=password)
    return [password, made, secret, step, set_password, ready(resource, secret=secret)]


@pytest.mark.parametrize("holder", holders(), ids=lambda holder: type(holder).__name__)
def test_no_password_is_ever_printed(holder: object) -> None:
    texts = [repr(holder), str(holder), f"{holder}", f"{holder!r:>40}", repr([holder]), repr({"x": holder})]
    assert not [text for text in texts if HIDDEN in text]


def test_the_fresh_passwords_of_a_pass_are_not_printed() -> None:
    assert "fresh-app" not in repr(occasion_of(resource_of()))


def test_a_minted_password_is_long_new_and_needs_no_escape() -> None:
    minted = [mint_password().reveal() for _ in range(50)]
    assert len({*minted}) == 50
    assert all(len(text) >= 43 and text.replace("-", "").replace("_", "").isalnum() for text in minted)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param({"DATABASE_PASSWORD": "x"}, Password("x"), id="there"),
        pytest.param({"DATABASE_PASSWORD": ""}, None, id="empty"),
        pytest.param({}, None, id="missing"),
    ],
)
def test_only_a_password_that_is_there_is_read(data: dict[str, str], expected: Password | None) -> None:
    secret: SecretFacts = secret_of("gateway-db", data)
    assert secret.password("DATABASE_PASSWORD") == expected

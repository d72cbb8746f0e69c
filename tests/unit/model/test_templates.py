"""Templates of further keys: whatever they hold, what comes out is what a reader of that format reads back."""

import json
import re
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from litellm_database_operator.model.names import DatabaseName, RoleName, SchemaName
from litellm_database_operator.model.secret import Binding, Endpoint, Password
from litellm_database_operator.model.templates import (
    CROWDED,
    MALFORMED,
    MAX_PLACEHOLDERS,
    PLACEHOLDERS,
    expand,
    flaw_of,
)
from tests.support.planning import UNHURRIED

NASTY: Final = st.sampled_from("'\\:/@?#% \"&=+$()")
"""What one of the formats takes for a sign of its own."""
NAME: Final = st.text(NASTY | st.characters(exclude_categories=["C"]), min_size=1, max_size=20)
HOST: Final = st.sampled_from(["db.example", "10.0.0.7", "2001:db8::7"])
PIECE: Final = st.sampled_from(["$", "$$", "(", ")", "$(", "x", "ü", "\n", *(f"$({name})" for name in PLACEHOLDERS)])
TEMPLATE: Final = st.lists(PIECE, max_size=12).map("".join)
MAX_SECRET_BYTES: Final = 1 << 20
"""Of a Secret, in the API server: MaxSecretSize."""


def binding(**changes: str) -> Binding:
    """Return a binding whose parts are told apart."""
    parts: dict[str, str] = {"host": "db.example", "database": "d", "schema": "s", "login": "l", "password": "p"}
    parts |= changes
    return Binding(
        endpoint=Endpoint(host=parts["host"], port=6432, tls="require"),
        database=DatabaseName(parts["database"]),
        schema=SchemaName(parts["schema"]),
        login=RoleName(parts["login"]),
        password=Password(parts["password"]),
    )


BINDINGS: Final = st.builds(binding, host=HOST, database=NAME, schema=NAME, login=NAME, password=NAME)


def test_the_names_are_those_that_have_a_value() -> None:
    assert sorted(binding().placeholders()) == sorted(PLACEHOLDERS)
    assert [name for name in PLACEHOLDERS if flaw_of(f"$({name})")] == []


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("plain, (host)", "plain, (host)", id="no placeholder"),
        pytest.param("$(host):$(port)", "db.example:6432", id="two"),
        pytest.param("$(endpoint)", "db.example:6432", id="host and port"),
        pytest.param("$$", "$", id="a dollar"),
        pytest.param("$$(host)", "$(host)", id="a placeholder that is none"),
        pytest.param("$$$(host)", "$db.example", id="a dollar before one"),
        pytest.param("a\n$(username)\n", "a\nl\n", id="lines"),
        pytest.param("ü$(password)", "üp", id="characters of many bytes"),
    ],
)
def test_a_template_is_expanded(template: str, expected: str) -> None:
    assert flaw_of(template) is None
    assert expand(template, binding().placeholders()) == expected


@pytest.mark.parametrize(
    "template",
    [
        "$",
        "5$",
        "$(hots)",
        "$(host",
        "$host",
        "${host}",
        "$$$",
        "$(Host)",
        "$( host)",
        "$(host.url)",
        "$()",
        "$(uri\n)",
    ],
)
def test_what_is_no_template_is_refused_by_naming_the_closed_set(template: str) -> None:
    assert flaw_of(template) == MALFORMED
    assert [name for name in PLACEHOLDERS if name.partition(".")[0] not in MALFORMED] == []


def test_a_template_of_too_many_placeholders_is_refused() -> None:
    assert flaw_of("$(uri)" * MAX_PLACEHOLDERS) is None
    assert flaw_of("$(uri)" * (MAX_PLACEHOLDERS + 1)) == CROWDED


def test_the_longest_secret_is_one_that_the_api_server_takes() -> None:
    longest = Binding(
        endpoint=Endpoint(host="h" * 253, port=65535, tls="verify-full"),
        database=DatabaseName("é" * 26 + "d"),
        schema=SchemaName('"' * 63),
        login=RoleName("é" * 26 + "d_app_a"),
        password=Password("p" * 43),
        keys={
            f"{'k' * 250}{n:03}": "$(uri)" * MAX_PLACEHOLDERS + "é" * (1024 - 6 * MAX_PLACEHOLDERS) for n in range(32)
        },
    )
    values = longest.placeholders()
    assert max(map(len, values.values())) == max(len(values["uri"]), len(values["database_url"]))
    assert sum(len(text.encode()) for text in longest.published().values()) < MAX_SECRET_BYTES


@UNHURRIED
@given(TEMPLATE | st.text(max_size=1024), BINDINGS)
def test_whatever_a_template_holds_nothing_breaks(template: str, made: Binding) -> None:
    assert flaw_of(template) in {None, MALFORMED, CROWDED}
    kept = expand(template, made.placeholders())
    assert kept == template or "$" in template


@UNHURRIED
@given(TEMPLATE)
def test_no_placeholder_is_left_over(template: str) -> None:
    values = {name: f"<{number}>" for number, name in enumerate(PLACEHOLDERS)}
    if flaw_of(template) is None:
        assert "$(" not in expand(template.replace("$$", ""), values)


@UNHURRIED
@given(st.lists(st.sampled_from(["$$", "a", *(f"$({name})" for name in PLACEHOLDERS)]), max_size=16), BINDINGS)
def test_a_template_of_good_pieces_is_the_pieces_expanded(pieces: list[str], made: Binding) -> None:
    values = made.placeholders()
    assert flaw_of("".join(pieces)) is None
    assert expand("".join(pieces), values) == "".join(
        {"$$": "$", "a": "a"}.get(each) or values[each[2:-1]] for each in pieces
    )


@UNHURRIED
@given(BINDINGS)
def test_a_url_is_read_back(made: Binding) -> None:
    template = "jdbc:postgresql://$(endpoint)/$(database.url)?user=$(username.url)&password=$(password.url)"
    url = urlsplit(expand(f"{template}&currentSchema=$(schema.url)", made.placeholders()).removeprefix("jdbc:"))
    assert (url.hostname, url.port, unquote(url.path)) == (made.endpoint.host, 6432, f"/{made.database}")
    assert parse_qs(url.query, strict_parsing=True) == {
        "user": [made.login],
        "password": [made.password.reveal()],
        "currentSchema": [made.schema],
    }


@UNHURRIED
@given(BINDINGS)
def test_a_url_with_a_login_is_read_back(made: Binding) -> None:
    template = "postgres://$(username.url):$(password.url)@$(endpoint)/$(database.url)"
    url = urlsplit(expand(template, made.placeholders()))
    assert (url.hostname, url.port, unquote(url.path)) == (made.endpoint.host, 6432, f"/{made.database}")
    assert (unquote(url.username or ""), unquote(url.password or "")) == (made.login, made.password.reveal())


@UNHURRIED
@given(BINDINGS)
def test_a_keyword_value_string_is_read_back(made: Binding) -> None:
    template = "host=$(host) port=$(port) dbname=$(database.conninfo) user=$(username.conninfo) sslmode=$(sslmode)"
    text = expand(f"{template} password=$(password.conninfo)", made.placeholders())
    assert conninfo_to_dict(text) == {
        "host": made.endpoint.host,
        "port": "6432",
        "dbname": made.database,
        "user": made.login,
        "sslmode": "require",
        "password": made.password.reveal(),
    }


@UNHURRIED
@given(BINDINGS)
def test_a_pgpass_line_is_read_back(made: Binding) -> None:
    template = "$(host.pgpass):$(port):$(database.pgpass):$(username.pgpass):$(password.pgpass)"
    line = expand(template, made.placeholders())
    fields = [re.sub(r"\\(.)", r"\1", each) for each in re.findall(r"(?:^|:)((?:[^:\\]|\\.)*)", line)]
    assert fields == [made.endpoint.host, "6432", made.database, made.login, made.password.reveal()]


def test_values_are_not_looked_into_again() -> None:
    made = binding(password="$(host)$$", database="$$(x)")
    assert expand("$(password) $(database)", made.placeholders()) == "$(host)$$ $$(x)"


def test_json_may_be_written_around_placeholders() -> None:
    text = expand('{"url": "$(uri)", "price": "5$$"}', binding().placeholders())
    assert json.loads(text)["price"] == "5$"

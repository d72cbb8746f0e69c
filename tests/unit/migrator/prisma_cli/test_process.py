"""What Prisma's command line is started with, and what is understood of what it says."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from litellm_database_operator.migrator.content import Content, Migration
from litellm_database_operator.migrator.prisma_cli.process import PrismaProcess, Refusal
from litellm_database_operator.migrator.prisma_cli.workspace import database_url, environment, lay_out
from litellm_database_operator.migrator.settings import Login, Settings
from litellm_database_operator.model.migration import Engine, Policy, RunMode
from litellm_database_operator.model.names import RoleName, SchemaName
from litellm_database_operator.model.secret import Password

LOGIN = Login(
    host="db.example",
    port=5432,
    database="ga/te way",
    schema=SchemaName("public"),
    username=RoleName("m@igrator"),
    password=Password("p:/?#@%ä"),
    app=RoleName("app"),
    tls="require",
    ca=None,
)


def settings(login: Login = LOGIN, *, node: str = "node") -> Settings:
    return Settings(
        job="j",
        bundle="1",
        target="sha256:1",
        planned_from="",
        mode=RunMode.MIGRATE,
        policy=Policy.SAFE,
        approved="",
        migration_engine=Engine.PRISMA_CLI,
        deadline=60,
        library=Path("/library"),
        engine=Path("/image/engine/main.js"),
        node=node,
        workspace=Path("/app/migrations"),
        login=login,
    )


def told(login: Login) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(database_url(login)).query).items()}


def test_the_url_survives_any_name_and_password() -> None:
    url = urlsplit(database_url(LOGIN))
    assert (url.scheme, url.hostname, url.port) == ("postgresql", "db.example", 5432)
    assert (unquote(url.username or ""), unquote(url.password or "")) == ("m@igrator", "p:/?#@%ä")
    assert unquote(url.path) == "/ga/te way"


def test_the_url_holds_schema_and_tls() -> None:
    odd = replace(LOGIN, schema=SchemaName('a "b" c'), tls="verify-full", ca=Path("/etc/ca.crt"))
    assert told(odd)["schema"] == 'a "b" c'
    assert '-csearch_path="a\\ ""b""\\ c"' in told(odd)["options"]
    assert (told(odd)["sslmode"], told(odd)["sslrootcert"]) == ("verify-full", "/etc/ca.crt")
    assert "sslrootcert" not in told(LOGIN)


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    assert "@[::1]:5432/" in database_url(replace(LOGIN, host="::1"))


def test_nothing_of_our_environment_is_handed_on_but_where_python_and_node_lie() -> None:
    inherited = {"PATH": "/bin", "PYTHONPATH": "/image/site", "HTTPS_PROXY": "http://proxy", "LITELLMDB_JOB": "j"}
    given = environment(settings(), inherited)
    assert (given["PATH"], given["PYTHONPATH"]) == ("/bin", "/image/site")
    assert not {"HTTPS_PROXY", "LITELLMDB_JOB"} & given.keys()
    assert given["PRISMA_BINARY_CACHE_DIR"] == "/image/engine/prisma-cli"
    assert environment(settings(node="/opt/bin/node"), {"PATH": "/bin"})["PATH"] == "/opt/bin:/bin"
    assert "PYTHONPATH" not in environment(settings(), {})


def test_a_bundle_is_laid_out_and_what_was_there_before_is_gone(tmp_path: Path) -> None:
    (tmp_path / "schema").write_text("datasource")
    names = ("20250101_a", "20250102_with a space")
    content = Content(
        objects=tmp_path,
        schema="schema",
        version="1",
        digest="sha256:1",
        migrations=tuple(Migration(name=name, script=name.encode(), checksum="") for name in names),
        indexes=(),
        views=(),
    )
    folder = tmp_path / "workspace"
    (folder / "migrations/of another try").mkdir(parents=True)
    for _ in range(2):
        lay_out(content, folder)
    scripts = {path.parent.name: path.read_text() for path in folder.glob("migrations/*/migration.sql")}
    assert scripts == {name: name for name in names}
    assert (folder / "schema.prisma").read_text() == "datasource"
    assert {path.name for path in (folder / "migrations").iterdir()} == {*names, "migration_lock.toml"}


def run(script: str) -> PrismaProcess:
    return PrismaProcess(["sh", "-c", script], environment={"PATH": os.defpath}, folder=Path("/"))


def test_a_refusal_is_read_from_its_line_and_the_last_one_counts() -> None:
    line = """echo 'litellmdb-refused {"sqlstate": "%s", "message": "m", "position": 3, "completed": 1}'"""
    with run(
        f"echo before; {line % '42P01'}; {line % '42P07'} >&2; echo 'Error: P3018'; echo; echo why; exit 3"
    ) as process:
        assert process.ends_within(60)
        assert process.exit_code == 3
        assert process.refusal == Refusal(sqlstate="42P07", message="m", position=3, completed=1)
        assert process.last_words == "Error: P3018 why"


@pytest.mark.parametrize("said", ["nothing", "litellmdb-refused {", 'litellmdb-refused {"sqlstate": "x"}'])
def test_what_is_no_refusal_is_none(said: str) -> None:
    with run(f"echo '{said}'") as process:
        assert process.ends_within(60)
        assert process.refusal is None


def test_what_is_left_is_killed_with_its_children() -> None:
    child = f"{sys.executable} -c 'import os, time; print(os.getpid(), flush=True); time.sleep(600)'"
    with run(f"{child} & wait") as process:
        assert not process.ends_within(0.01)
        assert process.exit_code is None
        while not process.last_words:
            assert not process.ends_within(0.01)
        pid = int(process.last_words)
    assert not Path(f"/proc/{pid}/cmdline").exists() or Path(f"/proc/{pid}/cmdline").read_bytes() == b""

"""The digest, and the library that is built of wheels: with wheels as small as can be, and no network."""

import hashlib
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from bundles.build import DigestMismatchError, build_library
from bundles.content import Content, Index, View
from bundles.lock import LockedBundle, Wheel
from bundles.wheels import read_content

CONTENT = Content(
    datamodel=b"// a datamodel\n",
    migrations={"2_second": b"SELECT 2;\n", "10_first with spaces": b"SELECT 1;\n"},
    indexes=(Index(name="i", table="t", definition='("c")'),),
    views=(View(name="v", sql='CREATE VIEW "v" AS\nSELECT 1'),),
)
DIGEST = "sha256:58b531a5c0120998fba878c6abbf0e4382a970016812ba07ce2cf4f188dbe61d"


def test_digest_never_changes_for_the_same_content() -> None:
    assert CONTENT.digest() == DIGEST


def test_digest_is_what_a_shell_computes() -> None:
    printed = "".join(f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in CONTENT.files().items())
    assert CONTENT.digest() == "sha256:" + hashlib.sha256(printed.encode()).hexdigest()
    assert list(CONTENT.files()) == [
        "indexes.json",
        "migrations/10_first with spaces/migration.sql",
        "migrations/2_second/migration.sql",
        "schema.prisma",
        "views.json",
    ]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(replace(CONTENT, datamodel=b""), id="datamodel"),
        pytest.param(replace(CONTENT, migrations={**CONTENT.migrations, "2_second": b"SELECT 2;\r\n"}), id="script"),
        pytest.param(replace(CONTENT, migrations={"2_second": b"SELECT 2;\n"}), id="one migration less"),
        pytest.param(replace(CONTENT, indexes=()), id="indexes"),
        pytest.param(replace(CONTENT, views=()), id="views"),
    ],
)
def test_digest_covers_everything_that_reaches_a_database(changed: Content) -> None:
    assert changed.digest() != CONTENT.digest()


def test_order_of_migrations_is_that_of_their_bytes() -> None:
    assert CONTENT.names() == ["10_first with spaces", "2_second"]


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LockedBundle:
    """A bundle whose wheels already lie in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    extras = _wheel(
        tmp_path,
        "extras",
        {
            "litellm_proxy_extras/schema.prisma": "// a datamodel\n",
            "litellm_proxy_extras/migrations/2_second/migration.sql": "SELECT 2;\n",
            "litellm_proxy_extras/migrations/10_first with spaces/migration.sql": "SELECT 1;\n",
            "litellm_proxy_extras/migrations/migration_lock.toml": "",
        },
    )
    litellm = _wheel(
        tmp_path, "litellm", {"litellm/proxy/db/create_views.py": "sql = 'CREATE VIEW \"v\" AS SELECT 1;'\n"}
    )
    folder = tmp_path / "cache" / "litellm-database-operator" / "wheels"
    content = read_content(extras=folder / extras.filename, litellm=folder / litellm.filename)
    return LockedBundle(
        version="1.0", digest=content.digest(), litellm=("7.0",), extras_wheel=extras, litellm_wheel=litellm
    )


def _wheel(tmp_path: Path, project: str, members: dict[str, str]) -> Wheel:
    folder = tmp_path / "cache" / "litellm-database-operator" / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{project}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in members.items():
            wheel.writestr(name, text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Wheel(project=project, version="1.0", filename=path.name, sha256=digest)


def test_library_has_the_documented_shape(locked: LockedBundle, tmp_path: Path) -> None:
    build_library((locked,), tmp_path / "library")
    files = {
        path.relative_to(tmp_path / "library").as_posix() for path in tmp_path.glob("library/**/*") if path.is_file()
    }
    assert files == {
        "index.json",
        "1.0/bundle.json",
        "1.0/indexes.json",
        "1.0/migrations/10_first with spaces/migration.sql",
        "1.0/migrations/2_second/migration.sql",
        "1.0/schema.prisma",
        "1.0/views.json",
    }
    assert json.loads((tmp_path / "library/index.json").read_text()) == {
        "1.0": {"digest": locked.digest, "litellm": ["7.0"]}
    }
    assert json.loads((tmp_path / "library/1.0/bundle.json").read_text()) == {
        "version": "1.0",
        "digest": locked.digest,
        "litellm": ["7.0"],
        "migrations": [
            {"name": "10_first with spaces", "checksum": hashlib.sha256(b"SELECT 1;\n").hexdigest()},
            {"name": "2_second", "checksum": hashlib.sha256(b"SELECT 2;\n").hexdigest()},
        ],
    }


def test_building_again_touches_no_bundle(locked: LockedBundle, tmp_path: Path) -> None:
    build_library((locked,), tmp_path / "library")
    before = (tmp_path / "library/1.0").stat()
    build_library((locked,), tmp_path / "library")
    assert (tmp_path / "library/1.0").stat() == before


def test_building_mends_what_was_edited_and_removes_what_is_not_locked(locked: LockedBundle, tmp_path: Path) -> None:
    build_library((locked,), tmp_path / "library")
    script = tmp_path / "library/1.0/migrations/2_second/migration.sql"
    script.write_text("DROP TABLE t;")
    (tmp_path / "library/0.9").mkdir()
    build_library((locked,), tmp_path / "library")
    assert script.read_text() == "SELECT 2;\n"
    assert not (tmp_path / "library/0.9").exists()


def test_another_content_than_the_locked_one_is_refused(locked: LockedBundle, tmp_path: Path) -> None:
    with pytest.raises(DigestMismatchError, match=r"cannot build 1\.0"):
        build_library((replace(locked, digest="sha256:" + "0" * 64),), tmp_path / "library")


def test_a_wheel_without_migrations_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    extras = _wheel(tmp_path, "extras", {"litellm_proxy_extras/schema.prisma": ""})
    folder = tmp_path / "cache" / "litellm-database-operator" / "wheels"
    with pytest.raises(ValueError, match="holds no migration"):
        read_content(extras=folder / extras.filename, litellm=folder / extras.filename)

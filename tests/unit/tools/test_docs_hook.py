"""What mkdocs.yml has done while the site is built."""

from pathlib import Path
from typing import cast

import pytest
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError

from tools.docs import hook


def site(folder: Path, html: str) -> MkDocsConfig:
    """Return the configuration of a site of one page."""
    (folder / "a").mkdir()
    (folder / "a/page.html").write_text(html)
    config = cast("MkDocsConfig", MkDocsConfig())
    config.site_dir = str(folder)
    return config


def test_both_kinds_both_charts_and_the_changelog_become_pages() -> None:
    pages = hook.generated()
    assert set(pages) == {
        "reference/litellmdatabase.md",
        "reference/postgresserver.md",
        "reference/chart-litellm-database-operator.md",
        "reference/chart-litellm-database.md",
        "changelog.md",
    }
    assert all(text.startswith("# ") for text in pages.values())


def test_a_page_that_loads_from_elsewhere_ends_the_build(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"a/page\.html loads from elsewhere: https://cdn\.example\.com/x\.js"):
        hook.on_post_build(site(tmp_path, '<script src="https://cdn.example.com/x.js"></script>'))


def test_one_that_does_not_passes(tmp_path: Path) -> None:
    hook.on_post_build(site(tmp_path, '<script src="x.js"></script><a href="https://example.com">e</a>'))

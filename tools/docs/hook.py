"""What mkdocs.yml adds to mkdocs: pages that are made of their one source while the site is built.

The names of the functions are mkdocs' own: https://www.mkdocs.org/dev-guide/plugins/#events
"""

from pathlib import Path
from typing import Final

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from tools import chart_readme
from tools.docs import fields, pages

_TOP: Final = Path(__file__).resolve().parents[2]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference and the changelog."""
    for path, text in generated().items():
        files.append(File.generated(config, path, content=text))
    return files


def generated() -> dict[str, str]:
    """Return the pages that no file in docs/ holds, by the path that they would have there."""
    crds = [yaml.safe_load(path.read_text()) for path in sorted((_TOP / "crds").glob("litellmdb.dev_*.yaml"))]
    return {
        **{f"reference/{crd['spec']['names']['singular']}.md": fields.page(crd) for crd in crds},
        **{f"reference/chart-{chart.name}.md": chart_readme.readme_of(chart) for chart in chart_readme.charts()},
        "changelog.md": (_TOP / "CHANGELOG.md").read_text(),
    }


def on_page_markdown(markdown: str, **_: object) -> str:
    """Read what is written as GitHub does, where the pages are read too."""
    return pages.as_github_reads(markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that loads anything from elsewhere: it must work where nothing else can be reached."""
    for path in sorted(Path(config.site_dir).rglob("*.html")):
        if found := pages.loaded_from_elsewhere(path.read_text()):
            raise PluginError(f"{path.relative_to(config.site_dir)} loads from elsewhere: {', '.join(found)}")

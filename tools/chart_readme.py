"""Write the table of values into each chart's README.md, out of the `# --` comments of its values.yaml.

`.venv/bin/python tools/chart_readme.py`; a test says that nobody forgot it. What is between the two marks of a
README.md is replaced, the rest is written by hand.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_CHARTS: Final = Path(__file__).resolve().parent.parent / "charts"
BEGIN: Final = "<!-- values: written by tools/chart_readme.py -->\n"
END: Final = "<!-- end of values -->\n"
_COMMENT: Final = "# -- "


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value that a chart can be given."""

    path: str
    default: Any
    description: str | None
    """What its comment says; None where there is none."""


def charts() -> list[Path]:
    """Return the folders of all charts."""
    return sorted(path.parent for path in _CHARTS.glob("*/Chart.yaml"))


def values_of(text: str) -> list[Value]:
    """Return the values of a values.yaml: those with a comment, whatever is in them, and leaves without one."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    return [] if root is None else list(_values(root, yaml.safe_load(text), text.splitlines(), ""))


def _values(node: yaml.Node, default: Any, lines: list[str], prefix: str) -> Iterator[Value]:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, inner in node.value:
        path, value = f"{prefix}{key.value}", default[key.value]
        description = _comment_above(lines, key.start_mark.line)
        if description is None and isinstance(inner, yaml.MappingNode) and inner.value:
            yield from _values(inner, value, lines, f"{path}.")
        else:
            yield Value(path=path, default=value, description=description)


def _comment_above(lines: list[str], line: int) -> str | None:
    """Return the comment that ends right above a line; it may go on over several lines."""
    words: list[str] = []
    for each in reversed(lines[:line]):
        text = each.strip()
        if text.startswith(_COMMENT):
            return " ".join([text.removeprefix(_COMMENT), *words])
        if not text.startswith("#"):
            break
        words.insert(0, text.removeprefix("#").strip())
    return None


def table(values: list[Value]) -> str:
    """Return the table; a bar in a cell would end it."""
    rows = [
        (f"`{value.path}`", f"`{json.dumps(value.default, ensure_ascii=False)}`", value.description or "")
        for value in values
    ]
    cells = [
        [cell.replace("|", "\\|") for cell in row] for row in [("value", "default", "meaning"), ("---",) * 3, *rows]
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def readme_of(chart: Path) -> str:
    """Return what a chart's README.md must say. ValueError for one without the marks."""
    before, begin, rest = (chart / "README.md").read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"cannot write {chart.name}/README.md: it lacks the marks {BEGIN.strip()} and {END.strip()}")
    return before + BEGIN + table(values_of((chart / "values.yaml").read_text())) + END + after


def main() -> None:
    """Write them."""
    for chart in charts():
        (chart / "README.md").write_text(readme_of(chart))


if __name__ == "__main__":
    main()

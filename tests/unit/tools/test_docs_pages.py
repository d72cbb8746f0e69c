"""What is done to the pages of the site, and looked for in them."""

import pytest

from tools.docs import pages


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param("Why:\n- a\n- b\n", "Why:\n\n- a\n- b\n", id="a list right below text"),
        pytest.param("Why:\n\n- a\n- b\n", "Why:\n\n- a\n- b\n", id="one with an empty line"),
        pytest.param("- a\n  more\n- b\n", "- a\n  more\n- b\n", id="an item of two lines"),
        pytest.param("## Why\n- a\n", "## Why\n- a\n", id="below a heading"),
        pytest.param("x:\n1. a\n2. b\n", "x:\n\n1. a\n2. b\n", id="numbers"),
        pytest.param("So:\n| a |\n| --- |\n", "So:\n\n| a |\n| --- |\n", id="a table"),
        pytest.param("```\nx:\n- a\n```\nand:\n- b\n", "```\nx:\n- a\n```\nand:\n\n- b\n", id="code is left alone"),
    ],
)
def test_lists_and_tables_begin_where_github_sees_them(written: str, read: str) -> None:
    assert pages.as_github_reads(written) == read


@pytest.mark.parametrize(
    ("html", "found"),
    [
        pytest.param('<script src="https://cdn.example.com/x.js">', ["https://cdn.example.com/x.js"], id="script"),
        pytest.param('<link rel="stylesheet" href="//fonts.example.com/x">', ["//fonts.example.com/x"], id="font"),
        pytest.param('<link href="https://f.example.com" rel=preconnect>', ["https://f.example.com"], id="connection"),
        pytest.param("<img alt='' src='http://x.example.com/y.png'>", ["http://x.example.com/y.png"], id="picture"),
        pytest.param('<script src="assets/x.js"><link rel="stylesheet" href="a.css">', [], id="our own"),
        pytest.param('<a href="https://example.com">x</a><link rel="canonical" href="https://e">', [], id="links"),
    ],
)
def test_what_a_browser_would_load(html: str, found: list[str]) -> None:
    assert pages.loaded_from_elsewhere(html) == found

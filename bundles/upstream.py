"""Reads LiteLLM's Python sources as text: what they hold is data to us, and never runs here."""

import ast
import re
from collections.abc import Iterator

from bundles.content import Index, View

_CREATE_VIEW = re.compile(r'\s*CREATE\s+(?:OR\s+REPLACE\s+)?VIEW\s+"(?P<name>[^"]+)"\s+AS\b', re.IGNORECASE)


class UnknownSourceError(Exception):
    """A source no longer looks as it did: a person has to read what LiteLLM changed."""


def read_indexes(source: str) -> tuple[Index, ...]:
    """Return the indexes of `litellm_proxy_extras/request_log_indexes.py`, in their order.

    It assigns to REQUEST_LOG_INDEXES a tuple of calls with three strings: table, name, definition.
    """
    assigned = [value for name, value in _assignments(source) if name == "REQUEST_LOG_INDEXES"]
    match assigned:
        case [ast.Tuple(elts=calls)] if calls:
            return tuple(_read_index(call) for call in calls)
        case _:
            raise UnknownSourceError("cannot read the indexes: REQUEST_LOG_INDEXES is not one tuple of calls")


def _assignments(source: str) -> Iterator[tuple[str, ast.expr]]:
    for statement in ast.parse(source).body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case _:
                pass


def _read_index(call: ast.expr) -> Index:
    match call:
        case ast.Call(
            args=[
                ast.Constant(value=str() as table),
                ast.Constant(value=str() as name),
                ast.Constant(value=str() as sql),
            ],
            keywords=[],
        ):
            return Index(name=name, table=table, definition=sql)
        case _:
            raise UnknownSourceError(f"cannot read an index: {ast.unparse(call)[:100]} is no call with three strings")


def read_views(source: str) -> tuple[View, ...]:
    """Return the views of `litellm/proxy/db/create_views.py`, in their order.

    Each is one string that begins with CREATE VIEW; whether it is passed at once or through a variable has changed.
    """
    found = [(match["name"], text) for text in _strings(source) if (match := _CREATE_VIEW.match(text))]
    if not found:
        raise UnknownSourceError("cannot read the views: no string begins with CREATE VIEW")
    if len({name for name, _ in found}) != len(found):
        raise UnknownSourceError("cannot read the views: one is made twice")
    return tuple(View(name=name, sql=_tidied(text)) for name, text in found)


def _strings(source: str) -> Iterator[str]:
    constants = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    in_order = sorted(constants, key=lambda node: (node.lineno, node.col_offset))
    return (node.value for node in in_order if isinstance(node.value, str))


def _tidied(text: str) -> str:
    """Return the statement without its indentation and semicolon; what it says stays as it is."""
    lines = (line.strip() for line in text.strip().removesuffix(";").splitlines())
    return "\n".join(line for line in lines if line)

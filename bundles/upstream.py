"""Reads LiteLLM's Python sources as text: what they hold is data to us, and never runs here."""

import ast
import re
from collections.abc import Collection, Iterator

from bundles.content import Index, View

_CREATE_VIEW = re.compile(r'\s*CREATE\s+(?:OR\s+REPLACE\s+)?VIEW\s+"(?P<name>[^"]+)"\s+AS\b', re.IGNORECASE)
_INDEX = re.compile(r"^\s*@@index\(\[(\w+(?:, \w+)*)\]\)\s*$", re.MULTILINE)


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


def read_hand_built_indexes(source: str, datamodel: str) -> tuple[Index, ...]:
    """Return the indexes that `litellm_proxy_extras/utils.py` wants built by hand, in the order of their names.

    Two releases had names alone, in a frozenset: HAND_BUILT_SPEND_LOGS_INDEXES. What they are of, schema.prisma says.
    """
    if "HAND_BUILT" not in source:
        return ()
    assigned = [value for name, value in _assignments(source) if name == "HAND_BUILT_SPEND_LOGS_INDEXES"]
    match assigned:
        case [ast.Call(func=ast.Name(id="frozenset"), args=[ast.Set(elts=names)], keywords=[])]:
            known = _declared_indexes(datamodel, "LiteLLM_SpendLogs")
            return tuple(known[name] for name in sorted(_read_name(each, known) for each in names))
        case _:
            raise UnknownSourceError("cannot read the indexes built by hand: not one frozenset of names")


def _read_name(name: ast.expr, known: Collection[str]) -> str:
    match name:
        case ast.Constant(value=str() as text) if text in known:
            return text
        case _:
            raise UnknownSourceError(f"cannot read an index built by hand: schema.prisma has no {ast.unparse(name)}")


def _declared_indexes(datamodel: str, table: str) -> dict[str, Index]:
    """Return a model's plain indexes, by the names that Prisma derives.

    https://www.prisma.io/docs/orm/prisma-schema/data-model/database-mapping
    """
    model = re.search(rf"^model {table} \{{$(.*?)^\}}", datamodel, re.DOTALL | re.MULTILINE)
    found = (tuple(match[1].split(", ")) for match in _INDEX.finditer(model[1] if model else ""))
    indexes = (_derived(table, columns) for columns in found)
    return {index.name: index for index in indexes}


def _derived(table: str, columns: tuple[str, ...]) -> Index:
    quoted = ", ".join(f'"{column}"' for column in columns)
    return Index(name="_".join((table, *columns, "idx")), table=table, definition=f"({quoted})")


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

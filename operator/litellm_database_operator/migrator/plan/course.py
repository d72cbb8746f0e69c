"""The schema as it becomes while a plan's statements run, one effect after the other. Touches no database.

What the plan itself makes holds no rows and is in nobody's way; under which name something that exists is known by
then, only this knows.
"""

from dataclasses import dataclass, field, replace
from typing import TypeVar

from litellm_database_operator.migrator.plan.catalog import Catalog, Column, Key, Table
from litellm_database_operator.migrator.plan.effect import Act, Effect

_Thing = TypeVar("_Thing")


@dataclass(slots=True, kw_only=True)
class Becoming:
    """A table under its present name."""

    origin: Table | None
    """As the catalogue has it; None for one that the plan makes."""
    columns: dict[str, Column | None] = field(default_factory=dict[str, "Column | None"])
    """By present name; None for one that the plan adds. A Column keeps the name that the catalogue has."""


class Course:
    """Where the schema has come to."""

    def __init__(self, catalog: Catalog, schema: str) -> None:
        """Begin with what is there."""
        self.schema = schema
        self._catalog = catalog
        self._tables = {
            name: Becoming(origin=table, columns=dict(table.columns)) for name, table in catalog.tables.items()
        }
        self._keys = dict(catalog.keys)
        self._functions: set[str] = set()

    def table(self, name: str | None) -> Becoming | None:
        """Return a table by its present name."""
        return self._tables.get(name or "")

    def existing(self, name: str | None) -> Table | None:
        """Return what the catalogue has of a table, by its present name; None for one that the plan makes."""
        becoming = self.table(name)
        return None if becoming is None else becoming.origin

    def is_no_table(self, name: str | None) -> bool:
        """Tell whether a name is that of something with rows which is no table of the schema: a view, a partition."""
        return name in self._catalog.others and name not in self._tables

    def has_function(self, name: str | None) -> bool:
        """Tell whether the catalogue has a function of that name."""
        return name in self._catalog.functions

    def makes_function(self, name: str | None) -> bool:
        """Tell whether the plan made it, and there was none of that name."""
        return name in self._functions and not self.has_function(name)

    def key(self, name: str | None, table: str | None) -> Key | None:
        """Return an index or constraint that is there already; `table` tells constraints of one name apart."""
        origin = self.existing(table)
        keys = self._keys.get(name or "", ())
        return next((key for key in keys if origin is None or key.table == origin.name), None)

    def table_of(self, key: Key) -> Table | None:
        """Return the table that an index or constraint belongs to."""
        return self._catalog.tables.get(key.table)

    def columns_of_type(self, name: str) -> tuple[Column, ...]:
        """Return the columns that exist and have a type, or an array of it; `name` may be `Enum.value` as well."""
        spellings = {begin + end for begin in _types(name) for end in ("", "[]")}
        tables = [becoming for becoming in self._tables.values() if becoming.origin is not None]
        columns = (column for becoming in tables for column in becoming.columns.values())
        return tuple(column for column in columns if column is not None and column.type in spellings)

    def follow(self, effect: Effect) -> None:
        """Let an effect happen. What only may happen leaves tables and columns standing: they could be hit later."""
        if effect.act in _KEYED:
            self._follow_key(effect)
        elif effect.act is Act.CREATE_FUNCTION:
            self._functions.add(effect.name or "")
        elif effect.act is Act.RENAME_TYPE:
            self._follow_type(effect)
        elif effect.act in _OF_TABLES:
            self._follow_table(effect)
        elif (becoming := self.table(effect.table)) is not None:
            _follow_column(becoming, effect)

    def _follow_table(self, effect: Effect) -> None:
        match effect.act:
            case Act.CREATE_TABLE if effect.table:
                self._tables.setdefault(effect.table, Becoming(origin=None))
            case Act.RENAME_TABLE if effect.table in self._tables:
                _rename(self._tables, effect.table, effect)
            case Act.DROP_TABLE if not effect.conditional:
                self._tables.pop(effect.table or "", None)
            case _:
                pass

    def _follow_key(self, effect: Effect) -> None:
        """An index that may be gone counts as gone: building it again is what has to be told."""
        keys = self._keys.pop(effect.name or "", ())
        if effect.act in {Act.RENAME_INDEX, Act.RENAME_CONSTRAINT} and effect.new_name:
            self._keys[effect.new_name] = keys

    def _follow_type(self, effect: Effect) -> None:
        """Let the columns of a type have its new name; what may be renamed is still looked for by the old one."""
        if effect.conditional or effect.new_name is None:
            return
        for old in self.columns_of_type(effect.name or ""):
            array = "[]" if old.type.endswith("[]") else ""
            renamed = replace(old, type=_quoted(effect.new_name) + array)
            for becoming in self._tables.values():
                becoming.columns.update({name: renamed for name, column in becoming.columns.items() if column is old})


def _rename(things: dict[str, _Thing], name: str, effect: Effect) -> None:
    """Give something a new name; where it may not happen, it has both, but for a name that something else has."""
    if effect.new_name is None:
        return
    if effect.conditional:
        things.setdefault(effect.new_name, things[name])
    else:
        things[effect.new_name] = things.pop(name)


def _types(name: str) -> frozenset[str]:
    """Return how format_type() would spell a type, if it is named, or if it is an enum of which a value is."""
    parts = name.split(".")
    names = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return frozenset(names | set(map(_quoted, names)))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _follow_column(becoming: Becoming, effect: Effect) -> None:
    name, columns = effect.name or "", becoming.columns
    if effect.act is Act.ADD_COLUMN:
        columns.setdefault(name, None)
        return
    if name not in columns:
        return
    column = columns[name]
    match effect.act:
        case Act.DROP_COLUMN if not effect.conditional:
            del columns[name]
        case Act.RENAME_COLUMN:
            _rename(columns, name, effect)
        case Act.RETYPE_COLUMN if column is not None:
            columns[name] = replace(column, type=effect.type or "")
        case Act.SET_NOT_NULL | Act.DROP_NOT_NULL if column is not None and not effect.conditional:
            columns[name] = replace(column, not_null=effect.act is Act.SET_NOT_NULL)
        case _:
            pass


_KEYED = frozenset({Act.DROP_INDEX, Act.DROP_CONSTRAINT, Act.RENAME_INDEX, Act.RENAME_CONSTRAINT})
_OF_TABLES = frozenset({Act.CREATE_TABLE, Act.RENAME_TABLE, Act.DROP_TABLE})

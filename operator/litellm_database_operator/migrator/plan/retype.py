"""What a change of a column's type does to its values: whether each survives, and whether the table is rewritten. Pure.

Types are spelled as format_type() does. Only what is known to be harmless counts as harmless.
"""

import re
from dataclasses import dataclass
from typing import Final

_TYPE: Final = re.compile(r"(?P<name>[^(\[]+?)(?:\((?P<modifiers>[\d, ]+)\))?(?P<rest> with(?:out)? time zone)?")
_TEXTS: Final = frozenset({"text", "character varying"})
_WIDER: Final = {
    "smallint": frozenset({"integer", "bigint", "numeric", "real", "double precision"}),
    "integer": frozenset({"bigint", "numeric", "double precision"}),
    "bigint": frozenset({"numeric"}),
    "real": frozenset({"double precision"}),
}
"""Types that hold every value of the first: https://www.postgresql.org/docs/current/datatype-numeric.html"""
_LIMITED: Final = frozenset(
    {"character varying", "bit varying", "timestamp without time zone", "timestamp with time zone"}
)
"""Types whose one modifier is a limit, which can be lifted without touching a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Type:
    name: str
    modifiers: tuple[int, ...]
    array: bool

    @property
    def whole_digits(self) -> int:
        """Of a numeric with modifiers: digits before the point."""
        return self.modifiers[0] - self.scale

    @property
    def scale(self) -> int:
        """Of a numeric with modifiers: digits after the point."""
        return self.modifiers[1] if self.modifiers[1:] else 0


def widens(old: str, new: str) -> bool:
    """Tell whether every value of the old type is one of the new."""
    before, after = _read(old), _read(new)
    if before == after:
        return True
    return before.array == after.array and (_relabels(before, after) or _holds(before, after))


def rewrites(old: str, new: str) -> bool:
    """Tell whether PostgreSQL writes the table anew: not where old values are binary coercible to the new type.

    https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
    """
    before, after = _read(old), _read(new)
    return before != after and (before.array or after.array or not _relabels(before, after))


def _relabels(before: _Type, after: _Type) -> bool:
    """Tell whether a value stays on the disk as it is."""
    if before.name in _TEXTS and not after.modifiers and after.name in _TEXTS:
        return True
    if before.name != after.name or not before.modifiers:
        return False
    if before.name == "numeric":
        return not after.modifiers or (before.scale == after.scale and before.modifiers <= after.modifiers)
    return before.name in _LIMITED and (not after.modifiers or before.modifiers <= after.modifiers)


def _holds(before: _Type, after: _Type) -> bool:
    """Tell whether a value of one type is one of another, written differently."""
    if after.name in _TEXTS and not after.modifiers:
        # Every type has a text that it can be read from again; of character(n) the padding goes.
        return before.name != "character"
    if before.name == after.name == "numeric" and before.modifiers and after.modifiers:
        return before.scale <= after.scale and before.whole_digits <= after.whole_digits
    return after.name in _WIDER.get(before.name, ()) and not after.modifiers


def _read(text: str) -> _Type:
    array = text.endswith("[]")
    found = _TYPE.fullmatch(text.removesuffix("[]"))
    if found is None:
        return _Type(name=text, modifiers=(), array=array)
    modifiers = tuple(int(each) for each in (found["modifiers"] or "").split(",") if each)
    return _Type(name=found["name"] + (found["rest"] or ""), modifiers=modifiers, array=array)

"""Whether an object is as it should be, whatever others set beside it and however the API server writes it.

Called by cluster.py before it patches: what it takes for different is patched with every look, for ever.
"""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Final, cast

_QUANTITY: Final = re.compile(r"([-+]?[0-9.]+)(?:[eE]([-+]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)")
_DECIMAL: Final = {"n": -3, "u": -2, "m": -1, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_BINARY: Final = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_FINEST: Final = 1000
"""Parts of one: the API server rounds up what is finer."""
_LARGEST: Final = Fraction(2**63 - 1)
"""The API server writes it for all that is more."""
_EXPONENTS: Final = 64
"""Up or down: what is beyond is more than the largest, or finer than the finest."""
_AMOUNTS: Final = ("requests", "limits")
"""Of a container's resources; claims, which others set, are a list."""
_RESOURCES: Final = "resources"
"""A container's: a limit that is asked for no more must go, where everything else that others set stays."""
_SELECTORS: Final = frozenset({"namespaceSelector", "podSelector"})
"""A selector that says more lets in less."""


def covers(found: object, wanted: object) -> bool:
    """Tell whether all of `wanted` is so in `found`, which may say more."""
    match found, wanted:
        case dict(), dict():
            there, asked = cast("Mapping[str, object]", found), cast("Mapping[str, object]", wanted)
            return all(_covers_field(key, there.get(key), value) for key, value in asked.items())
        case list(), list():
            some, all_ = cast("Sequence[object]", found), cast("Sequence[object]", wanted)
            return len(some) == len(all_) and all(map(covers, some, all_))
        case _:
            return found == wanted


def _covers_field(key: str, found: object, wanted: object) -> bool:
    if key == _RESOURCES:
        return _amounts(found) == _amounts(wanted)
    if key in _SELECTORS:
        return found == wanted
    return covers(found, wanted)


def _amounts(resources: object) -> Mapping[tuple[str, str], Fraction]:
    """Return every request and limit as a number: the API server writes 1024Mi as 1Gi, and 0.5 as 500m."""
    sections = cast("Mapping[str, Mapping[str, object]]", resources or {})
    return {
        (section, name): amount(str(value))
        for section in _AMOUNTS
        for name, value in (sections.get(section) or {}).items()
    }


def amount(quantity: str) -> Fraction:
    """Return a quantity as a number; ValueError when it is none.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    read = _QUANTITY.fullmatch(quantity)
    if read is None:
        raise ValueError(f"no quantity: {quantity[:32]!r}")
    number, exponent, suffix = read.groups()
    if exponent:
        scale = Fraction(10) ** max(-_EXPONENTS, min(int(exponent), _EXPONENTS))
    elif suffix in _BINARY:
        scale = Fraction(1024) ** _BINARY[suffix]
    else:
        scale = Fraction(1000) ** _DECIMAL.get(suffix, 0)
    return Fraction(ceil(min(Fraction(number) * scale, _LARGEST) * _FINEST), _FINEST)

"""Whether an object is as it should be, whatever others set beside it and however the API server writes it.

Called by cluster.py before it patches: what it takes for different is patched with every look, for ever.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Final, cast

_QUANTITY: Final = re.compile(r"([-+]?[0-9.]+)(?:[eE]([-+]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)")
_DECIMAL: Final = {"n": -3, "u": -2, "m": -1, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_BINARY: Final = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_FINEST: Final = Decimal("0.001")
"""The API server rounds up what is finer."""
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


def _amounts(resources: object) -> Mapping[tuple[str, str], Decimal]:
    """Return every request and limit as a number: the API server writes 1024Mi as 1Gi, and 0.5 as 500m."""
    sections = cast("Mapping[str, Mapping[str, object]]", resources or {})
    return {
        (section, name): amount(str(value))
        for section, quantities in sections.items()
        for name, value in (quantities or {}).items()
    }


def amount(quantity: str) -> Decimal:
    """Return a quantity as a number; ValueError when it is none.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    read = _QUANTITY.fullmatch(quantity)
    if read is None:
        raise ValueError(f"no quantity: {quantity[:32]!r}")
    number, exponent, suffix = read.groups()
    if exponent:
        scale = Decimal(10) ** int(exponent)
    elif suffix in _BINARY:
        scale = Decimal(1024) ** _BINARY[suffix]
    else:
        scale = Decimal(1000) ** _DECIMAL.get(suffix, 0)
    return (Decimal(number) * scale).quantize(_FINEST, rounding=ROUND_CEILING)

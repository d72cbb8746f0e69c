"""Whether a proxy of an older release still works with a database that is ahead of it, as the database's history says.

Called by migration.py for a database in state Ahead: it stays Ready only where nothing speaks against it.
"""

from litellm_database_operator.model.bundle import Bundle, names_ahead
from litellm_database_operator.model.observed import InsideFacts


def is_compatible(target: Bundle, inside: InsideFacts) -> bool:
    """Tell whether the database was complete at the target once, and lost nothing of it since.

    Everything that came later must be in the history, as runs that drop, rename and retype nothing: what another
    migrator applied is not known, and counts against it. So does a later comparison, with whatever bundle, that
    found something missing.
    """
    judged = inside.judged.get(target.digest)
    if judged is None or judged.missing or not _has_all(target, inside):
        return False
    later = [change for change in inside.changes if change.at >= judged.at]
    recorded = frozenset[str]().union(*(change.names for change in later))
    lost = any(each.missing for each in inside.judged.values() if each.at > judged.at)
    return not lost and not any(change.breaks for change in later) and _ahead(target, inside) <= recorded


def _has_all(target: Bundle, inside: InsideFacts) -> bool:
    return inside.finished.issuperset(target.migrations) and inside.views.issuperset(target.views)


def _ahead(target: Bundle, inside: InsideFacts) -> frozenset[str]:
    return frozenset(names_ahead(target.migrations, inside.finished))

"""The roles, grants and the mark of one database: what they should be, and what was found.

Pure data; planning/roles.py compares, postgres/ reads and writes.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Final, LiteralString

from litellm_database_operator.model.names import RoleName

ATTRIBUTES: Final[tuple[LiteralString, ...]] = ("SUPERUSER", "CREATEDB", "CREATEROLE", "REPLICATION", "BYPASSRLS")
"""What lets a role do more than it was granted."""
UNLIMITED: Final = -1
"""As a role's connection limit: any number."""
_MARK_KEY: Final = "litellmdb.dev"
_MARK_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Whose a database is: a COMMENT on its owner role, which no tenant's SQL can change."""

    identity: str
    """The installation of this operator; kept over reinstalls."""
    namespace: str
    namespace_uid: str
    name: str
    uid: str
    """Of the resource."""
    released: bool = False
    """The resource was deleted with Retain: its logins are locked, and the same name may pick it up."""

    def dump(self) -> str:
        """Return the comment's text."""
        return json.dumps({_MARK_KEY: _MARK_VERSION} | asdict(self), sort_keys=True)

    def same_claim(self, other: "Mark") -> bool:
        """Tell whether both speak for the same resource name in the same namespace of the same installation.

        Their uids may differ: two resources of one name never live at once, so the other one is gone, and its
        database is there to be picked up. Deletion compares uids as well.
        """
        return (self.identity, self.namespace_uid, self.name) == (other.identity, other.namespace_uid, other.name)

    def release(self) -> "Mark":
        """Return the mark of a database that nobody uses now."""
        return replace(self, released=True)


def told_by_marks(namespace_uid: str | None = None) -> str:
    """Return a text that every mark of one namespace holds and no other mark does, or that all hold.

    Within a mark's own texts a quote is escaped. What holds it may yet be no mark.
    """
    return f'"{_MARK_KEY}": ' if namespace_uid is None else f'"namespace_uid": {json.dumps(namespace_uid)}'


def parse_mark(comment: str | None) -> Mark | None:
    """Read a mark; None when the comment is nobody's mark: whoever administers the server may write any."""
    try:
        fields = json.loads(comment or "")
        if fields.pop(_MARK_KEY) != _MARK_VERSION:
            return None
        mark = Mark(**fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    texts = (mark.identity, mark.namespace, mark.namespace_uid, mark.name, mark.uid)
    return mark if {*map(type, texts)} == {str} and type(mark.released) is bool else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role as it should be, or as pg_roles has it."""

    name: RoleName
    login: bool
    connection_limit: int = UNLIMITED
    acts_as: RoleName | None = None
    """ALTER ROLE … SET role: every session of it begins as that role."""
    attributes: frozenset[str] = frozenset()
    """Of ATTRIBUTES, those that it has; ours have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """`member` belongs to `group`."""

    group: RoleName
    member: RoleName
    inherit: bool
    """Uses the group's rights without SET ROLE (16 and newer; before, it is an attribute of the member)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """`member`, a role of ours, was put into `group` by `grantor`; each of them may do so once."""

    group: RoleName
    member: RoleName
    grantor: RoleName
    of_superuser: bool
    """The group is a superuser."""

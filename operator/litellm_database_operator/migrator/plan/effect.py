"""What a statement does, in facts: the judge tells them, effects.py decides what follows for a database.

docs/spec/judge-protocol.md, method `effects`, says what each field means.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Act(StrEnum):
    """One thing that a statement does."""

    CREATE_TABLE = "CreateTable"
    DROP_TABLE = "DropTable"
    RENAME_TABLE = "RenameTable"
    ADD_COLUMN = "AddColumn"
    DROP_COLUMN = "DropColumn"
    RENAME_COLUMN = "RenameColumn"
    RETYPE_COLUMN = "RetypeColumn"
    SET_NOT_NULL = "SetNotNull"
    DROP_NOT_NULL = "DropNotNull"
    SET_DEFAULT = "SetDefault"
    DROP_DEFAULT = "DropDefault"
    ADD_CONSTRAINT = "AddConstraint"
    DROP_CONSTRAINT = "DropConstraint"
    VALIDATE_CONSTRAINT = "ValidateConstraint"
    RENAME_CONSTRAINT = "RenameConstraint"
    CREATE_INDEX = "CreateIndex"
    DROP_INDEX = "DropIndex"
    RENAME_INDEX = "RenameIndex"
    CREATE_ENUM = "CreateEnum"
    ADD_ENUM_VALUE = "AddEnumValue"
    RENAME_ENUM_VALUE = "RenameEnumValue"
    DROP_TYPE = "DropType"
    RENAME_TYPE = "RenameType"
    CREATE_VIEW = "CreateView"
    DROP_VIEW = "DropView"
    CREATE_FUNCTION = "CreateFunction"
    CREATE_TRIGGER = "CreateTrigger"
    INSERT = "Insert"
    UPDATE = "Update"
    DELETE = "Delete"
    TRUNCATE = "Truncate"
    DROP_SCHEMA = "DropSchema"
    DROP_OTHER = "DropOther"
    REVOKE = "Revoke"
    SET = "Set"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One fact about a statement."""

    act: Act
    table: str | None = None
    schema: str | None = None
    """As the script spells it; None: by search_path."""
    name: str | None = None
    """Of the column, index, constraint, type, view, function, trigger, setting."""
    new_name: str | None = None
    type: str | None = None
    """Of a column from now on, as format_type() spells it."""
    using: bool = False
    default: str = "none"
    """`none`, `constant` or `volatile`."""
    not_null: bool = False
    """A column that is added NOT NULL."""
    columns: tuple[str, ...] = ()
    """That an UPDATE sets; that an index or constraint needs."""
    only_null: bool = False
    """An UPDATE whose WHERE demands that every column it sets is NULL."""
    where: bool = False
    expression: bool = False
    """An index with a key that is no column."""
    concurrently: bool = False
    constraint: str | None = None
    """`foreignKey`, `check`, `exclusion`, `unique`, `primaryKey` or `notNull`."""
    not_valid: bool = False
    references: str | None = None
    """Table that a foreign key points to."""
    cascade: bool = False
    replace: bool = False
    """A view or function that is made anew, where it is there already."""
    if_not_exists: bool = False
    conditional: bool = False
    """It may not run."""
    text: str | None = None
    """Of the statement inside a DO block that does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementEffects:
    """A statement of a script, and all it does."""

    kind: str
    text: str
    effects: tuple[Effect, ...] = field(default=())


def read_effect(told: Mapping[str, Any]) -> Effect:
    """Read an effect of the judge's answer; an act that is not known is Unknown: it could be anything."""
    act = told["act"]
    return Effect(
        act=Act(act) if act in _ACTS else Act.UNKNOWN,
        table=told.get("table"),
        schema=told.get("schema"),
        name=told.get("name"),
        new_name=told.get("newName"),
        type=told.get("type"),
        using=told.get("using", False),
        default=told.get("default") or "none",
        not_null=told.get("notNull", False),
        columns=tuple(told.get("columns") or ()),
        only_null=told.get("onlyNull", False),
        where=told.get("where", False),
        expression=told.get("expression", False),
        concurrently=told.get("concurrently", False),
        constraint=told.get("constraint"),
        not_valid=told.get("notValid", False),
        references=told.get("references"),
        cascade=told.get("cascade", False),
        replace=told.get("replace", False),
        if_not_exists=told.get("ifNotExists", False),
        conditional=told.get("conditional", False),
        text=told.get("text"),
    )


def read_statement(told: Mapping[str, Any]) -> StatementEffects:
    """Read a statement of the judge's answer."""
    return StatementEffects(
        kind=told["kind"], text=told["text"], effects=tuple(read_effect(item) for item in told["effects"])
    )


_ACTS = frozenset(Act)

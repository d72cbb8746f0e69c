"""What belongs to a bundle and is in no migration: the indexes that LiteLLM's own Job builds, and its views."""

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial

from psycopg import sql

from litellm_database_operator.migrator.apply.partitions import Builder, is_partitioned
from litellm_database_operator.migrator.content import Index, View
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.look import fetch_objects
from litellm_database_operator.migrator.patience import patiently
from litellm_database_operator.migrator.progress import Progress
from litellm_database_operator.migrator.session import Session
from litellm_database_operator.model.names import SchemaName


def build_indexes(session: Session, schema: SchemaName, indexes: Sequence[Index], progress: Progress) -> None:
    """Build the bundle's own indexes while the proxy goes on writing; an INVALID one of the same name goes first."""
    for index in indexes:
        began = time.monotonic()
        progress.phase = f"building index {index.name}"
        patiently(lambda index=index: _build(session, schema, index), progress)
        progress.built += 1
        log("built index", index=index.name, ms=round((time.monotonic() - began) * 1000))


def create_views(session: Session, views: Sequence[View], progress: Progress) -> None:
    """Create views; their text names no schema, so search_path decides, and a migration may have moved it."""
    session.execute(sql.SQL("RESET search_path"))
    for view in views:
        progress.phase = f"creating view {view.name}"
        patiently(lambda view=view: session.run_query(view.sql.encode()), progress)
        progress.built += 1
        log("created view", view=view.name)


@contextmanager
def concurrently(session: Session) -> Generator[None]:
    """Let statements that hold up nobody wait as long as they like.

    Building an index concurrently waits for every older transaction, and lock_timeout would end that wait: on a busy
    database it would be begun again and again. After an error nothing follows but another try, and what the session
    knows of the failed query is still wanted: hence no RESET then.
    """
    session.execute(sql.SQL("SET lock_timeout = 0"))
    yield
    session.execute(sql.SQL("RESET lock_timeout"))


def drop_invalid_indexes(session: Session, schema: SchemaName, *, named_in: str) -> None:
    """Drop those INVALID indexes whose name is in a text."""
    for thing in fetch_objects(session, schema):
        if thing.kind == "i" and not thing.valid and thing.name in named_in:
            log("drops an INVALID index", index=thing.name)
            session.execute(drop_index(schema, thing.name))


def _build(session: Session, schema: SchemaName, index: Index) -> None:
    if is_partitioned(session, schema, index.table):
        builder = Builder(session=session, index=index, build=partial(_build, session))
        return builder.build_on_partitions(schema)
    with concurrently(session):
        drop_invalid_indexes(session, schema, named_in=index.name)
        return session.execute(create_index(schema, index))


def create_index(schema: SchemaName, index: Index) -> sql.Composed:
    """Build an index of the bundle's list: the definition is the image's, not a tenant's."""
    return sql.SQL("CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {table} {definition}").format(
        name=sql.Identifier(index.name),
        table=sql.Identifier(schema, index.table),
        definition=sql.SQL(index.definition),  # pyright: ignore[reportArgumentType] # read from a file of the image
    )


def drop_index(schema: SchemaName, name: str) -> sql.Composed:
    """Drop an index without holding up anybody."""
    return sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(schema, name))

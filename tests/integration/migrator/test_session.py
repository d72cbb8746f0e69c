"""The migrator's session, interrupted where psycopg does not wait."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from litellm_database_operator.migrator.session import connect
from litellm_database_operator.migrator.settings import Login
from litellm_database_operator.migrator.stop import StopError
from litellm_database_operator.model.names import RoleName, SchemaName
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.secret import Password
from tests.integration.migrator.faults import AT_THE_GATE, LOCK_GATE, wait_for_session
from tests.integration.migrator.place import PASSWORD, Place, holding


def login_of(place: Place) -> Login:
    return Login(
        host=place.server.host,
        port=place.server.port,
        database=place.database,
        schema=SchemaName(place.schema),
        username=RoleName(f"{place.database}_migrator"),
        password=Password(PASSWORD),
        app=RoleName(f"{place.database}_app"),
        tls="disable",
        ca=None,
    )


def test_a_query_that_is_interrupted_right_after_it_was_sent_is_cancelled_and_tells_how_far_it_came(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        monkeypatch.undo()
        wait_for_session(place, "wait_event_type = 'Lock'")
        raise StopError(Reason.MIGRATION_INTERRUPTED)

    session = connect(login_of(place))
    with holding(place, LOCK_GATE):
        monkeypatch.setattr(psycopg.Connection, "wait", interrupt)
        with pytest.raises(StopError):
            session.run_query(f"SELECT 1; SET lock_timeout = 0; {AT_THE_GATE}; SELECT 2".encode())
        assert session.completed == 2
        session.execute(sql.SQL("SELECT 3"))
    session.close()

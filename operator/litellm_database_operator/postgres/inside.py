"""A look at a database from inside, as the proxy has it: the only proof that the published login works.

Health calls it, and every pass that must know whether the schema is complete.
"""

from litellm_database_operator.errors import OperatorError, UnavailableError
from litellm_database_operator.model.names import LEDGER_TABLE, OPERATOR_SCHEMA, DatabaseName, RoleName, SchemaName
from litellm_database_operator.model.observed import InsideFacts, LoginState
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.secret import Endpoint, Password
from litellm_database_operator.postgres import inside_queries
from litellm_database_operator.postgres.connection import ConnectFailedError, Login, Session, connect
from litellm_database_operator.postgres.sqlstates import ConnectFault, connect_error, connect_fault

_STATES = {
    ConnectFault.REFUSED: LoginState.REFUSED,
    ConnectFault.CROWDED: LoginState.CROWDED,
    # both are said after the password was accepted
    ConnectFault.NO_DATABASE: LoginState.SHUT_OUT,
    ConnectFault.NO_ENTRY: LoginState.SHUT_OUT,
}


async def look_inside(  # noqa: PLR0913 - all that a login consists of
    endpoint: Endpoint,
    ca: str | None,
    *,
    database: DatabaseName,
    schema: SchemaName,
    login: RoleName,
    password: Password,
) -> tuple[LoginState, InsideFacts | None]:
    """Log in as the proxy does, and return how that went and what is there.

    A table that is missing has no rows. SHUT_OUT: the database is gone or closed to this login, and the catalogues
    say why. OperatorError: the server, its TLS or its pg_hba.conf is what is wrong.
    """
    try:
        session = await connect(Login(endpoint=endpoint, database=database, username=login, password=password, ca=ca))
    except ConnectFailedError as error:
        return _state(f"log in as {login}", str(error)), None
    try:
        return LoginState.WORKS, await look(session, database, schema)
    finally:
        session.close()


def _state(doing: str, text: str) -> LoginState:
    fault = connect_fault(text)
    if fault in _STATES:
        return _STATES[fault]
    error: OperatorError = connect_error(doing, text)
    if fault is ConnectFault.NOT_ADMITTED:
        error = UnavailableError(Reason.LOGIN_FAILED, error.message)
    raise error from None


async def look(session: Session, database: DatabaseName, schema: SchemaName) -> InsideFacts:
    """Return what a login of the app sees; OperatorError says why it cannot."""
    doing = f"look into database {database}"
    names = {"schema": schema, "operator_schema": OPERATOR_SCHEMA, "ledger": LEDGER_TABLE}
    (found,) = await session.fetch(doing, inside_queries.INSIDE, names)
    (told,) = await session.fetch(doing, inside_queries.inside(schema, found))
    return inside_queries.inside_facts(found, told)

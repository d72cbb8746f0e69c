"""Why the published login does not get in, as the pod's log has it."""

import pytest

from litellm_database_operator.model.names import DatabaseName, RoleName
from litellm_database_operator.model.secret import Endpoint, Password
from litellm_database_operator.postgres.connection import Login
from litellm_database_operator.wait.door import may_be_outdated, told_of_refusal

LOGIN = Login(
    endpoint=Endpoint(host="db.example", port=5432, tls="require"),
    database=DatabaseName("team-a_gateway"),
    username=RoleName("team-a_gateway_app_a"),
    password=Password("correct-horse-battery-staple"),
)
HEAD = 'connection failed: connection to server at "10.0.0.7", port 5432 failed: '


@pytest.mark.parametrize(
    ("text", "words", "outdated"),
    [
        pytest.param(f'{HEAD}FATAL:  password authentication failed for user "team-a_gateway_app_a"',
                     "the password is refused; is the Secret of another database, or changed since?", True,
                     id="refused"),
        pytest.param(f'{HEAD}FATAL:  database "team-a_gateway" does not exist', "the database does not exist", True,
                     id="no database"),
        pytest.param(f'{HEAD}FATAL:  too many connections for role "team-a_gateway_app_a"', "as many connections",
                     False, id="crowded"),
        pytest.param("no answer in time", "nobody answers there", False, id="silent"),
        pytest.param(f"{HEAD}SSL error: certificate verify failed", "no TLS connection", False, id="TLS"),
    ],
)  # fmt: skip
def test_a_refusal_is_told(text: str, words: str, outdated: bool) -> None:  # noqa: FBT001
    told = told_of_refusal(LOGIN, text)
    assert told.startswith("cannot log in yet as team-a_gateway_app_a at db.example:5432: ")
    assert words in told
    assert may_be_outdated(text) is outdated
    assert "horse" not in told


def test_a_hostile_text_stays_on_its_line() -> None:
    assert "\n" not in told_of_refusal(LOGIN, f"{HEAD}FATAL:  \x1b[2Jthe schema is there\nand so on")

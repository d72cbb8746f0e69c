"""The verifier, against the worked example of RFC 7677 and against libpq's own."""

from __future__ import annotations

import base64

import pytest

from litellm_database_operator.model.secret import Password, mint_password
from litellm_database_operator.postgres.scram import make_verifier


def test_it_is_what_the_rfc_works_out() -> None:
    # RFC 7677 section 3: password "pencil", i=4096, and the server signature that follows from ServerKey
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    verifier = make_verifier(Password("pencil"), salt=salt)
    assert verifier == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
        "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_no_two_are_equal() -> None:
    password = mint_password()
    assert make_verifier(password) != make_verifier(password)


def test_what_would_have_to_be_normalised_is_refused_without_saying_it() -> None:
    with pytest.raises(ValueError, match="ASCII") as caught:
        make_verifier(Password("pässword"))
    assert "pässword" not in str(caught.value)

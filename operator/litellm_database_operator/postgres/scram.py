"""SCRAM-SHA-256 verifiers, so that a server and its log never see a password; server.py calls it."""

import hashlib
import hmac
import secrets
from base64 import b64encode
from typing import Final, NewType

from litellm_database_operator.model.secret import Password

ScramVerifier = NewType("ScramVerifier", str)
"""`SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, as pg_authid.rolpassword holds it."""

_ITERATIONS: Final = 4096
"""PostgreSQL's own default; more would slow every login and guard nothing, as passwords here are 256 random bits."""
_SALT_BYTES: Final = 16


def make_verifier(password: Password, *, salt: bytes | None = None) -> ScramVerifier:
    """Return what the server stores for a password (RFC 5802 section 3); takes about 2 ms.

    ValueError for characters beyond ASCII: SASLprep would have to normalise them, and no password of ours has any.
    https://www.postgresql.org/docs/current/catalog-pg-authid.html
    """
    text = password.reveal()
    if not text.isascii():
        raise ValueError("cannot make a verifier: the password has characters beyond ASCII")
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", text.encode(), salt, _ITERATIONS)
    stored_key = hashlib.sha256(_sign(salted, b"Client Key")).digest()
    server_key = _sign(salted, b"Server Key")
    return ScramVerifier(f"SCRAM-SHA-256${_ITERATIONS}:{_base64(salt)}${_base64(stored_key)}:{_base64(server_key)}")


def _sign(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def _base64(data: bytes) -> str:
    return b64encode(data).decode()

"""What lets a plan pass, as short as a Job's name and annotation need it; the gate itself is the migrator's.

A change of it asks a new question, so that an approval is acted on at once.
"""

import hashlib
from typing import Final

from litellm_database_operator.model.resource import Migration


def gate_fingerprint(asked: Migration) -> str:
    """Return a short name for policy, approved plan and engine; equal ones, equal names."""
    words = "\0".join((asked.policy, asked.approved_plan or "", asked.engine))
    return hashlib.sha256(words.encode()).hexdigest()[:16]


DEFAULT_GATE: Final = gate_fingerprint(Migration())
"""Of a Job that does not say: it was started before there was a gate."""

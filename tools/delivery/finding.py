"""What a linter holds against one object, and which of it stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One thing that one linter would have otherwise."""

    rule: str
    """The linter and its own name for it: "checkov CKV_K8S_11"."""
    object: str
    """What it is about, "Deployment/operator", or a file."""
    source: str
    """Where to look."""
    says: str

    def __str__(self) -> str:
        return f"{self.source}: {self.object}: {self.rule}: {self.says}"


Exceptions = Mapping[tuple[str, str], str]
"""Why a rule does not hold for an object: (rule, object) -> reason."""


def standing(findings: Iterable[Finding], exceptions: Exceptions) -> list[Finding]:
    """Return the findings that have no reason, and one for each reason that no finding asks for any more."""
    found = list(findings)
    used = {(each.rule, each.object) for each in found}
    stale = [
        Finding(rule=rule, object=of, source="exceptions.py", says="nothing needs this exception any more")
        for rule, of in exceptions
        if (rule, of) not in used
    ]
    return sorted({each for each in found if (each.rule, each.object) not in exceptions}) + stale

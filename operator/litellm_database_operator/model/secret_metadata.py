"""Labels and annotations that spec.secret sets on the published Secret, and on the one with the server's CA.

Two annotations of ours remember which keys those were, so that one that is taken out of spec goes; whatever others
put there stays. What they remember is anybody's to edit, and so nothing is removed for it that spec could not set.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from litellm_database_operator.model import names
from litellm_database_operator.model.observed import SecretFacts
from litellm_database_operator.model.reserved import is_free
from litellm_database_operator.model.resource import PublishedSecret


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretMetadata:
    """What is set, and what is removed, of a Secret's labels and annotations."""

    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    dropped_labels: frozenset[str] = frozenset()
    dropped_annotations: frozenset[str] = frozenset()

    def is_on(self, found: SecretFacts) -> bool:
        """Tell whether a Secret is like that already."""
        drops = self.dropped_labels or self.dropped_annotations
        there = self.labels.items() <= found.labels.items() and self.annotations.items() <= found.annotations.items()
        return there and not drops


KEEPING_ALL: Final = SecretMetadata()
"""Sets and removes nothing."""


def wanted_metadata(asked: PublishedSecret, found: SecretFacts | None) -> SecretMetadata:
    """Return what `asked` wants of a Secret; `found` is the one that is there."""
    records = {
        names.LABELS_ANNOTATION: _record(asked.labels),
        names.ANNOTATIONS_ANNOTATION: _record(asked.annotations),
    }
    kept = {key: record for key, record in records.items() if record}
    if found is None:
        return SecretMetadata(labels=asked.labels, annotations=asked.annotations | kept)
    stale_records = frozenset((records.keys() - kept.keys()) & found.annotations.keys())
    return SecretMetadata(
        labels=asked.labels,
        annotations=asked.annotations | kept,
        dropped_labels=_stale(found.labels, asked.labels, _recorded(found, names.LABELS_ANNOTATION)),
        dropped_annotations=stale_records
        | _stale(found.annotations, asked.annotations, _recorded(found, names.ANNOTATIONS_ANNOTATION)),
    )


def _stale(found: Mapping[str, str], wanted: Mapping[str, str], recorded: Iterable[str]) -> frozenset[str]:
    return frozenset(key for key in recorded if key in found and key not in wanted and is_free(key))


def _record(keys: Iterable[str]) -> str:
    return ",".join(sorted(keys))


def _recorded(found: SecretFacts, annotation: str) -> list[str]:
    return found.annotations.get(annotation, "").split(",")

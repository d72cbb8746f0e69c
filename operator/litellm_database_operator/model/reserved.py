"""Keys that spec.secret may hold, and may not: those by which others own things, variables that break a pod.

The one list of them. The CRD refuses the same with the same words, and a test compares; planning/parse.py refuses
once more, because the CRD that is installed may be older.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

METADATA_KEY: Final = (
    "^(([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*)/)?"
    "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
)
"""A label's or annotation's key; the part before the slash has at most 253 characters.
Kubernetes' own rule for labels: k8s.io/apimachinery, util/validation, IsQualifiedName."""
MAX_KEY_PREFIX: Final = 253
SECRET_KEY: Final = "^([-_a-zA-Z0-9]|[.][-_a-zA-Z0-9])[-._a-zA-Z0-9]*$"
"""A Secret's key, which is a file's name where it is mounted: not `.`, and not with `..` at its beginning.
https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """A group of keys, and why it is nobody's to set."""

    pattern: str
    """In what RE2 and Python's re have in common."""
    message: str
    """After the field's name."""
    free: str = ""
    """What begins so is not of the group after all."""

    def holds(self, key: str) -> bool:
        """Tell whether a key is of the group."""
        return not (self.free and key.startswith(self.free)) and re.search(self.pattern, key) is not None

    def rule(self) -> str:
        """Return the CEL rule of a map that must not hold any."""
        free = f"key.startsWith('{self.free}') || " if self.free else ""
        return f"self.all(key, {free}!key.matches('{self.pattern}'))"


RESERVED_METADATA: Final = (
    Reserved(
        pattern="^app[.]kubernetes[.]io/managed-by$|^([^/]*[.])?litellmdb[.]dev/",
        message="must not hold app.kubernetes.io/managed-by or keys of litellmdb.dev, by which this operator knows "
        "what it made",
    ),
    Reserved(
        pattern="^app[.]kubernetes[.]io/instance$|^([^/]*[.])?argoproj[.]io/",
        message="must not hold app.kubernetes.io/instance or keys of argoproj.io, by which Argo CD knows what it "
        "made: it would prune the Secret, or take it for a cluster's or a repository's login",
    ),
    Reserved(
        pattern="^([^/]*[.])?fluxcd[.]io/",
        message="must not hold keys of fluxcd.io, by which Flux knows what it made: it would prune the Secret",
    ),
    Reserved(
        pattern="^([^/]*[.])?helm[.]sh/",
        message="must not hold keys of helm.sh, by which Helm knows what it made: it would take the Secret over",
    ),
    Reserved(
        pattern="^([^/]*[.])?(k14s|cattle)[.]io/",
        message="must not hold keys of k14s.io or cattle.io, by which Carvel's kapp and Rancher's Fleet know what "
        "they made: they would prune the Secret",
    ),
    Reserved(
        pattern="^([^/]*[.])?kyverno[.]io/|^janitor/",
        message="must not hold keys of kyverno.io or janitor, by which Kyverno and kube-janitor know what to delete: "
        "they would delete the Secret below its proxy",
    ),
    Reserved(
        pattern="^([^/]*[.])?(kubernetes|k8s)[.]io/",
        free="app.kubernetes.io/",
        message="must not hold keys of kubernetes.io or k8s.io, which Kubernetes, kubectl and kustomize keep for "
        "themselves; app.kubernetes.io/name, /version, /component and /part-of are free",
    ),
)
"""For labels and annotations alike."""
RESERVED_KEYS: Final = (
    Reserved(
        pattern="^(DATABASE_.*|DIRECT_URL|DISABLE_SCHEMA_UPDATE|type|provider|host|port|database|endpoint|username"
        "|password|uri)$",
        message="must not hold keys that this operator publishes, or keeps for later: DATABASE_*, DIRECT_URL, "
        "DISABLE_SCHEMA_UPDATE, type, provider, host, port, database, endpoint, username, password, uri",
    ),
    Reserved(
        pattern="^(PATH|HOME|USER|SHELL|HOST|HOSTNAME|PORT|ENV|BASH_ENV|IFS|GCONV_PATH|GLIBC_TUNABLES|REQUESTS_CA_BUNDLE"
        "|CURL_CA_BUNDLE|(?i:(HTTP|HTTPS|ALL|NO)_PROXY)|PYTHON.*|(LD|NODE|OPENSSL|SSL_CERT|KUBERNETES)_.*)$",
        message="must not hold PATH, HOME, USER, SHELL, HOST, HOSTNAME, PORT, ENV, BASH_ENV, IFS, GCONV_PATH, "
        "GLIBC_TUNABLES, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, HTTP_PROXY and its like, nor keys that begin with PYTHON, "
        "LD_, NODE_, OPENSSL_, SSL_CERT_ or KUBERNETES_: by envFrom each key becomes a variable, and these change how "
        "a container starts and whom it trusts",
    ),
    Reserved(
        pattern="^(PROXY_MASTER_KEY|CONFIG_FILE_PATH|NUM_WORKERS|IAM_TOKEN_DB_AUTH|AZURE_POSTGRESQL_AUTH"
        "|(LITELLM|REDIS|PRISMA|USE_PRISMA|USE_V2)_.*)$",
        message="must not hold PROXY_MASTER_KEY, CONFIG_FILE_PATH, NUM_WORKERS, IAM_TOKEN_DB_AUTH, "
        "AZURE_POSTGRESQL_AUTH, nor keys that begin with LITELLM_, REDIS_, PRISMA_, USE_PRISMA_ or USE_V2_: by envFrom "
        "each key becomes a variable, and these are LiteLLM's own settings",
    ),
)
"""For the published Secret's keys."""


def refusals(keys: Iterable[str], groups: Iterable[Reserved]) -> Iterator[str]:
    """Yield the message of each group that one of the keys is of."""
    held = tuple(keys)
    yield from (group.message for group in groups if any(map(group.holds, held)))


def is_free(key: str) -> bool:
    """Tell whether a label or annotation may be set by spec.secret, and so may be removed again."""
    return not any(group.holds(key) for group in RESERVED_METADATA)

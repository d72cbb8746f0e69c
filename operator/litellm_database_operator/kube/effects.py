"""The seam at which a test may crash the operator: every write of cluster.py runs inside an effect."""

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol


class Effects(Protocol):
    """Surrounds an effect; it does nothing in the product, and raises before or after it in a test."""

    def __call__(self, name: str, /) -> AbstractAsyncContextManager[None]:
        """Surround the effect of that name ("create Secret team/x")."""
        ...


def undisturbed(_name: str, /) -> AbstractAsyncContextManager[None]:
    """Let an effect happen."""
    return nullcontext()

"""Which bundle is meant: by its own version, or by a release of LiteLLM. What has none is refused by name. Pure."""

from collections.abc import Sequence
from typing import Final

from litellm_database_operator.errors import InvalidSpecError
from litellm_database_operator.model.bundle import Bundle, Library, Refusal, Why
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMTarget

_TOLD: Final = 12
"""Choices that one message names."""


def resolve_target(asked: LiteLLMTarget, library: Library) -> Bundle:
    """Return the bundle that is asked for; InvalidSpecError names the nearest that would do, or the choice.

    Where a release asks for a range, the bundle's `resolution` tells that, and which one was taken.
    """
    if asked.version is None:
        return _by_bundle(asked.bundle or "", library)
    found = library.by_litellm(asked.version)
    if found is None:
        known = library.refusal(asked.version)
        raise _refused(_why(known) if known else _never_heard_of(asked.version, library))
    return found


def taken(target: Bundle) -> str:
    """Return what follows the name of a bundle that a range was resolved to; nothing where the release pins it."""
    found = target.resolution
    if found is None:
        return ""
    return f". LiteLLM {found.release} asks for {found.requires}; bundle {found.bundle} is taken, as on its day"


def _by_bundle(version: str, library: Library) -> Bundle:
    found = library.by_bundle(version)
    if found is None:
        nearest = library.nearest_bundle(version)
        raise _refused(f"cannot migrate to bundle {version}: this operator does not have it; the nearest is {nearest}")
    return found


def _never_heard_of(version: str, library: Library) -> str:
    nearest = library.nearest_litellm(version)
    return (
        f"cannot migrate to LiteLLM {version}: this operator has never heard of it; "
        f"the nearest release that would do is {nearest}"
    )


def _why(refusal: Refusal) -> str:
    cannot = f"cannot migrate to LiteLLM {refusal.release}"
    nearest = f"the nearest release that would do is {refusal.nearest}"
    match refusal.why:
        case Why.NOT_SERVED:
            pinned = refusal.requires.removeprefix("==")
            return f"{cannot}: it pins bundle {pinned}, which nobody served when this operator was built; {nearest}"
        case Why.RANGE:
            return (
                f"{cannot}: it asks for any bundle {refusal.requires}, and which one its day gave cannot be known; "
                f"choose one with litellm.bundle: {_list(refusal.choices)}; or {nearest}"
            )
        case Why.NO_PIN:
            return f"{cannot}: it brings no migrations of its own; {nearest}"


def _list(choices: Sequence[str]) -> str:
    told = ", ".join(choices[:_TOLD])
    return told if len(choices) <= _TOLD else f"{told} … {choices[-1]}"


def _refused(message: str) -> InvalidSpecError:
    return InvalidSpecError(Reason.UNKNOWN_VERSION, message)

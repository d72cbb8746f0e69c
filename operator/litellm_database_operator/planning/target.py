"""Which bundle is meant: by its own version, or by a release of LiteLLM. What has none is refused by name. Pure."""

from collections.abc import Sequence
from typing import Final, Protocol

from litellm_database_operator.errors import InvalidSpecError
from litellm_database_operator.model.bundle import Bundle, BundleVersion, Library, Refusal, Why
from litellm_database_operator.model.reasons import Reason

_TOLD: Final = 12
"""Choices, or gaps, that one message names."""


class Asked(Protocol):
    """What is asked for: exactly one of both."""

    @property
    def version(self) -> str | None:
        """A release of LiteLLM."""
        ...

    @property
    def bundle(self) -> str | None:
        """A bundle's own version."""
        ...


def resolve_target(asked: Asked, library: Library) -> Bundle:
    """Return the bundle that is asked for; InvalidSpecError names the nearest that would do, or the choice.

    A bundle with gaps is refused too, before anything is touched: no run to it could ever end well.
    Where a release asks for a range, the bundle's `resolution` tells that, and which one was taken.
    """
    if asked.version is None:
        return _by_bundle(asked.bundle or "", library)
    return _by_litellm(asked.version, library)


def taken(target: Bundle) -> str:
    """Return what follows the name of a bundle that a range was resolved to; nothing where the release pins it."""
    found = target.resolution
    if found is None:
        return ""
    return f". LiteLLM {found.release} asks for {found.requires}; bundle {found.bundle} is taken, as on its day"


def _by_litellm(version: str, library: Library) -> Bundle:
    found = library.by_litellm(version)
    if found is None:
        known = library.refusal(version)
        raise _refused(_why(known, library) if known else _never_heard_of(version, library))
    if found.gaps:
        asks = f"LiteLLM {version}: {_asks_for(found)}, which is"
        raise _incomplete(asks, found, f"nearest release that would do is {library.nearest_litellm(version)}")
    return found


def _by_bundle(version: str, library: Library) -> Bundle:
    found, nearest = library.by_bundle(version), library.nearest_bundle(version)
    if found is None:
        raise _refused(f"cannot migrate to bundle {version}: this operator does not have it; the nearest is {nearest}")
    if found.gaps:
        raise _incomplete(f"bundle {version}: it is", found, f"nearest that would do is {nearest}")
    return found


def _never_heard_of(version: str, library: Library) -> str:
    nearest = library.nearest_litellm(version)
    return (
        f"cannot migrate to LiteLLM {version}: this operator has never heard of it; "
        f"the nearest release that would do is {nearest}"
    )


def _asks_for(target: Bundle) -> str:
    found = target.resolution
    if found is None:
        return f"it pins bundle {target.version}"
    return f"it asks for {found.requires}, and its day gave it bundle {found.bundle}"


def _incomplete(asked: str, target: Bundle, nearest: str) -> InvalidSpecError:
    return InvalidSpecError(
        Reason.BUNDLE_INCOMPLETE,
        f"cannot migrate to {asked} incomplete in itself: no file of it makes {_list(target.gaps)}; the {nearest}",
    )


def _why(refusal: Refusal, library: Library) -> str:
    cannot = f"cannot migrate to LiteLLM {refusal.release}"
    nearest = f"the nearest release that would do is {refusal.nearest}"
    match refusal.why:
        case Why.NOT_SERVED:
            pinned = refusal.requires.removeprefix("==")
            return f"{cannot}: it pins bundle {pinned}, which nobody served when this operator was built; {nearest}"
        case Why.RANGE:
            return (
                f"{cannot}: it asks for any bundle {refusal.requires}, and which one its day gave cannot be known; "
                f"{_choice(refusal.choices, library)}{nearest}"
            )
        case Why.NO_PIN:
            return f"{cannot}: it brings no migrations of its own; {nearest}"


def _choice(choices: Sequence[BundleVersion], library: Library) -> str:
    if whole := library.without_gaps(choices):
        return f"choose one with litellm.bundle: {_list(whole)}; or "
    return f"each that it may have been is incomplete in itself: {_list(choices)}; " if choices else ""


def _list(choices: Sequence[str]) -> str:
    told = ", ".join(choices[:_TOLD])
    return told if len(choices) <= _TOLD else f"{told} … {choices[-1]}"


def _refused(message: str) -> InvalidSpecError:
    return InvalidSpecError(Reason.UNKNOWN_VERSION, message)

"""Which bundle is meant, and what is said to whoever asks for one that is not here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from litellm_database_operator.errors import InvalidSpecError
from litellm_database_operator.model.bundle import Bundle, BundleVersion, Library, Refusal, Resolution, Why
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMTarget
from litellm_database_operator.planning.plan import make_plan
from litellm_database_operator.planning.target import resolve_target
from tests.support.planning import BUNDLE, NEWER, occasion_of, ready, resource_of

RANGE = ">=0.4.39,<0.5.0"
RESOLUTION = Resolution(release="1.81.13", requires=RANGE, bundle=BUNDLE.version)
LIBRARY = Library(
    bundles=(BUNDLE, NEWER),
    resolutions=(RESOLUTION,),
    refusals=(
        Refusal(release="1.90.0", requires="==0.4.113", why=Why.NOT_SERVED, nearest="1.82.0", choices=()),
        Refusal(
            release="1.81.14",
            requires=RANGE,
            why=Why.RANGE,
            nearest="1.81.12",
            choices=(BUNDLE.version, NEWER.version),
        ),
        Refusal(release="1.80.0", requires="", why=Why.NO_PIN, nearest="1.81.12", choices=()),
    ),
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param(LiteLLMTarget(version="1.82.0"), NEWER, id="by the release that pins it"),
        pytest.param(LiteLLMTarget(bundle="0.4.39"), BUNDLE, id="by its own version"),
        pytest.param(
            LiteLLMTarget(version="1.81.13"), replace(BUNDLE, resolution=RESOLUTION), id="by a range that is resolved"
        ),
    ],
)
def test_a_bundle_is_found(asked: LiteLLMTarget, found: Bundle) -> None:
    assert resolve_target(asked, LIBRARY) == found


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param(
            LiteLLMTarget(version="1.82.7"),
            "cannot migrate to LiteLLM 1.82.7: this operator has never heard of it; "
            "the nearest release that would do is 1.82.0",
            id="a release never heard of",
        ),
        pytest.param(
            LiteLLMTarget(bundle="0.4.41"),
            "cannot migrate to bundle 0.4.41: this operator does not have it; the nearest is 0.4.40",
            id="a bundle never heard of",
        ),
        pytest.param(
            LiteLLMTarget(version="1.90.0"),
            "cannot migrate to LiteLLM 1.90.0: it pins bundle 0.4.113, which nobody served when this operator was "
            "built; the nearest release that would do is 1.82.0",
            id="a bundle that is not served",
        ),
        pytest.param(
            LiteLLMTarget(version="1.81.14"),
            "cannot migrate to LiteLLM 1.81.14: it asks for any bundle >=0.4.39,<0.5.0, and which one its day gave "
            "cannot be known; choose one with litellm.bundle: 0.4.39, 0.4.40; or the nearest release that would do is "
            "1.81.12",
            id="a range that is not resolved",
        ),
        pytest.param(
            LiteLLMTarget(version="1.80.0"),
            "cannot migrate to LiteLLM 1.80.0: it brings no migrations of its own; "
            "the nearest release that would do is 1.81.12",
            id="a release that asks for no bundle",
        ),
    ],
)
def test_what_has_no_bundle_is_refused_with_the_next_step(asked: LiteLLMTarget, message: str) -> None:
    with pytest.raises(InvalidSpecError) as refused:
        resolve_target(asked, LIBRARY)
    assert (refused.value.reason, refused.value.message) == (Reason.UNKNOWN_VERSION, message)


GAPS = ("column LiteLLM_GuardrailsTable.team_id", "index LiteLLM_SpendLogs.a_idx")
GAPPED = replace(BUNDLE, version=BundleVersion("0.4.37"), litellm=("1.81.11",), gaps=GAPS)
WITH_GAPS = Library(
    bundles=(replace(BUNDLE, version=BundleVersion("0.4.9"), litellm=("1.80.9",)), GAPPED, BUNDLE, NEWER),
    resolutions=(replace(RESOLUTION, bundle=GAPPED.version),),
    refusals=(
        replace(LIBRARY.refusals[1], choices=(GAPPED.version, BUNDLE.version)),
        replace(LIBRARY.refusals[1], release="1.81.15", choices=(GAPPED.version,)),
    ),
)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param(
            LiteLLMTarget(version="1.81.11"),
            "cannot migrate to LiteLLM 1.81.11: it pins bundle 0.4.37, which is incomplete in itself: no file of it "
            "makes column LiteLLM_GuardrailsTable.team_id, index LiteLLM_SpendLogs.a_idx; "
            "the nearest release that would do is 1.81.12",
            id="a release",
        ),
        pytest.param(
            LiteLLMTarget(version="1.81.13"),
            "cannot migrate to LiteLLM 1.81.13: it asks for >=0.4.39,<0.5.0, and its day gave it bundle 0.4.37, which "
            "is incomplete in itself: no file of it makes column LiteLLM_GuardrailsTable.team_id, index "
            "LiteLLM_SpendLogs.a_idx; the nearest release that would do is 1.81.12",
            id="a range",
        ),
        pytest.param(
            LiteLLMTarget(bundle="0.4.37"),
            "cannot migrate to bundle 0.4.37: it is incomplete in itself: no file of it makes column "
            "LiteLLM_GuardrailsTable.team_id, index LiteLLM_SpendLogs.a_idx; the nearest that would do is 0.4.39",
            id="a bundle",
        ),
    ],
)
def test_a_bundle_with_gaps_is_refused_with_what_no_file_makes(asked: LiteLLMTarget, message: str) -> None:
    with pytest.raises(InvalidSpecError) as refused:
        resolve_target(asked, WITH_GAPS)
    assert (refused.value.reason, refused.value.message) == (Reason.BUNDLE_INCOMPLETE, message)


@pytest.mark.parametrize(
    ("release", "words"),
    [
        pytest.param("1.81.14", "choose one with litellm.bundle: 0.4.39; or the nearest", id="some do"),
        pytest.param("1.81.15", "incomplete in itself: 0.4.37; the nearest", id="none does"),
    ],
)
def test_no_choice_has_gaps(release: str, words: str) -> None:
    with pytest.raises(InvalidSpecError) as refused:
        resolve_target(LiteLLMTarget(version=release), WITH_GAPS)
    assert refused.value.reason is Reason.UNKNOWN_VERSION
    assert words in refused.value.message


def test_many_choices_are_told_in_short() -> None:
    choices = tuple(BundleVersion(f"0.4.{number}") for number in range(60, 90))
    refusal = replace(LIBRARY.refusals[1], choices=choices)
    library = Library(bundles=tuple(replace(NEWER, version=version) for version in choices), refusals=(refusal,))
    with pytest.raises(InvalidSpecError, match=r"0\.4\.60, 0\.4\.61.* … 0\.4\.89; or") as refused:
        resolve_target(LiteLLMTarget(version=refusal.release), library)
    assert len(refused.value.message) < 500


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param(LiteLLMTarget(version="1.81.12"), "ledger, views and schema match bundle 0.4.39", id="a pin"),
        pytest.param(
            LiteLLMTarget(version="1.81.13"),
            "ledger, views and schema match bundle 0.4.39. LiteLLM 1.81.13 asks for >=0.4.39,<0.5.0; bundle 0.4.39 is "
            "taken, as on its day",
            id="a range",
        ),
    ],
)
def test_status_says_which_bundle_of_a_range_was_taken(asked: LiteLLMTarget, message: str) -> None:
    resource = resource_of()
    plan = make_plan(resource, ready(resource), occasion_of(resource, target=resolve_target(asked, LIBRARY)))
    assert (plan.migrated.reason, plan.migrated.message) == (Reason.MIGRATED, message)

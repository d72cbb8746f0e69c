"""Labels, annotations and further keys of the published Secret: made with it, mended, and gone when spec drops them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_database_operator.model import names
from litellm_database_operator.model.observed import SecretFacts
from litellm_database_operator.model.secret_metadata import wanted_metadata
from litellm_database_operator.planning.steps import DeleteSecret, PublishCa, PublishSecret
from tests.support.planning import PASSWORD, UNHURRIED, World, resource_of, secret_of

ASKED: Final[Mapping[str, Any]] = {
    "labels": {"team": "a", "stage": "prod"},
    "annotations": {"reloader.stakater.com/match": "true"},
    "keys": {"PGPASSWORD": "$(password)", "JDBC_URL": "jdbc:postgresql://$(endpoint)/$(database.url)"},
}
PLAIN: Final = resource_of()
DRESSED: Final = resource_of({"secret": ASKED})
LABELS_RECORD: Final = {names.LABELS_ANNOTATION: "stage,team"}
ANNOTATIONS_RECORD: Final = {names.ANNOTATIONS_ANNOTATION: "reloader.stakater.com/match"}
BOTH: Final = ("gateway-db", "gateway-db-ca")


def settle(world: World) -> list[type]:
    """Look and act until nothing is left to do; return what was done."""
    done: list[type] = []
    for _ in range(6):
        steps = world.plan()[1].steps
        if not steps:
            return done
        done += map(type, steps)
        world.apply(steps)
        world.run_jobs()
        world.write_status()
    raise AssertionError(done)


def settled(*, dressed: bool = True, ca: str | None = "PEM") -> World:
    """Return a world with a database that is ready."""
    world = World(resource=DRESSED if dressed else PLAIN, ca=ca)
    settle(world)
    return world


def edit(world: World, name: str, **changes: Mapping[str, str]) -> None:
    """Do what kubectl label and annotate do: None removes."""
    found = world.secrets[name]
    for part, wanted in changes.items():
        merged = {key: text for key, text in {**getattr(found, part), **wanted}.items() if text}
        found = replace(found, **{part: merged})
    world.secrets[name] = found


def test_the_first_secret_has_all_of_it_by_one_write() -> None:
    world = World(resource=DRESSED, ca="PEM")
    done = settle(world)
    assert [done.count(step) for step in (PublishSecret, PublishCa)] == [1, 1]
    secret = world.secrets["gateway-db"]
    password = secret.data["DATABASE_PASSWORD"]
    assert secret.data["PGPASSWORD"] == password
    assert secret.data["JDBC_URL"] == "jdbc:postgresql://db.example:5432/team-a_gateway"
    for name in BOTH:
        assert world.secrets[name].labels == ASKED["labels"]
        assert world.secrets[name].annotations == ASKED["annotations"] | LABELS_RECORD | ANNOTATIONS_RECORD
    assert world.secrets["gateway-db-ca"].data == {"ca.crt": "PEM"}, "keys are the published Secret's alone"


def test_a_secret_of_which_nothing_is_asked_is_as_it_was() -> None:
    world = settled(dressed=False)
    for name in BOTH:
        assert (world.secrets[name].labels, world.secrets[name].annotations) == ({}, {})
    assert sorted(world.secrets["gateway-db"].data) == sorted(
        settled(dressed=False, ca=None).secrets["gateway-db"].data
    )


CHANGES: Final[dict[str, Callable[[World, str], None]]] = {
    "a label removed": lambda world, name: edit(world, name, labels={"team": ""}),
    "a label edited": lambda world, name: edit(world, name, labels={"team": "b"}),
    "an annotation removed": lambda world, name: edit(world, name, annotations={"reloader.stakater.com/match": ""}),
    "an annotation edited": lambda world, name: edit(world, name, annotations={"reloader.stakater.com/match": "no"}),
    "the record removed": lambda world, name: edit(world, name, annotations={names.LABELS_ANNOTATION: ""}),
    "the record edited": lambda world, name: edit(world, name, annotations={names.LABELS_ANNOTATION: "team,x"}),
}


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_was_changed_by_hand_is_mended_by_one_write(change: Callable[[World, str], None], name: str) -> None:
    world = settled()
    before = dict(world.secrets)
    change(world, name)
    assert settle(world) == [PublishSecret if name == "gateway-db" else PublishCa]
    assert world.secrets == before


@pytest.mark.parametrize("edited", ["", "other", "$(password)"])
@pytest.mark.parametrize("key", ["PGPASSWORD", "JDBC_URL"])
def test_a_key_that_was_edited_or_removed_comes_back(key: str, edited: str) -> None:
    world = settled()
    before, passwords = dict(world.secrets), dict(world.passwords)
    edit(world, "gateway-db", data={key: edited})
    assert settle(world) == [PublishSecret]
    assert (world.secrets, world.passwords) == (before, passwords), "nothing but the password's own key is read"


def test_what_others_put_there_stays() -> None:
    world = settled()
    theirs = {"theirs/by": "them"}
    for name in BOTH:
        edit(world, name, labels=theirs, annotations=theirs)
    assert settle(world) == []
    world.resource = PLAIN
    assert settle(world) == [PublishSecret, PublishCa]
    assert [(world.secrets[name].labels, world.secrets[name].annotations) for name in BOTH] == [(theirs, theirs)] * 2


def test_what_spec_no_longer_asks_for_goes() -> None:
    world = settled()
    world.resource = resource_of({"secret": {"labels": {"stage": "test"}, "keys": {"PGHOST": "$(host)"}}})
    assert settle(world) == [PublishSecret, PublishCa]
    for name in BOTH:
        assert world.secrets[name].labels == {"stage": "test"}
        assert world.secrets[name].annotations == {names.LABELS_ANNOTATION: "stage"}
    keys = world.secrets["gateway-db"].data.keys()
    assert "PGHOST" in keys
    assert not keys & ASKED["keys"].keys()
    world.resource = PLAIN
    settle(world)
    assert world.secrets == settled(dressed=False).secrets | {"gateway-db": world.secrets["gateway-db"]}
    assert world.secrets["gateway-db"].annotations == {}


def test_a_changed_template_changes_the_secret_once_and_no_password() -> None:
    world = settled()
    passwords = dict(world.passwords)
    world.resource = resource_of({"secret": {**ASKED, "keys": {"PGPASSWORD": "x$(password)"}}})
    assert settle(world) == [PublishSecret]
    assert world.secrets["gateway-db"].data["PGPASSWORD"] == f"x{world.passwords[PLAIN.roles.app_a]}"
    assert world.passwords == passwords


def test_renamed_secrets_are_dressed_and_the_former_go() -> None:
    world = settled()
    world.resource = resource_of({"secret": {**ASKED, "name": "other"}})
    assert settle(world) == [PublishSecret, PublishCa, DeleteSecret, DeleteSecret]
    assert world.secrets.keys() == {"other", "other-ca"}
    assert [each.labels for each in world.secrets.values()] == [ASKED["labels"]] * 2


@pytest.mark.parametrize(
    "key", [names.MANAGED_BY_LABEL, names.DATABASE_LABEL, "app.kubernetes.io/instance", "helm.sh/chart", ""]
)
def test_a_record_that_somebody_wrote_takes_nothing_away_that_spec_could_not_set(key: str) -> None:
    labels = {key: "x"} if key else {}
    record = {names.LABELS_ANNOTATION: f"{key},,absent"}
    found = replace(secret_of("gateway-db", {}), labels=labels, annotations=record)
    assert wanted_metadata(PLAIN.spec.secret, found).dropped_labels == frozenset()


KEYS: Final = st.sampled_from(["team", "stage", "example.com/a"])
VALUES: Final = st.sampled_from(["x", "y"])
FIELD: Final = st.dictionaries(KEYS, VALUES)
SPECS: Final = st.fixed_dictionaries({"labels": FIELD, "annotations": FIELD, "keys": st.dictionaries(KEYS.map(
    lambda key: key.replace("/", ".")), st.sampled_from(["$(password)", "$(uri)", "$$"]))})  # fmt: skip


@UNHURRIED
@given(st.lists(SPECS, min_size=1, max_size=4))
def test_after_any_edits_of_spec_the_secret_is_what_the_last_one_makes(specs: list[dict[str, Any]]) -> None:
    world = settled(dressed=False)
    for spec in specs:
        world.resource = resource_of({"secret": spec})
        done = settle(world)
        assert len(done) <= 2, "each Secret is written once"
    fresh = World(resource=world.resource, ca="PEM", passwords=dict(world.passwords))
    settle(fresh)

    def shape(secret: SecretFacts) -> object:
        return secret.labels, secret.annotations, sorted(secret.data)

    assert {name: shape(each) for name, each in world.secrets.items()} == {
        name: shape(each) for name, each in fresh.secrets.items()
    }


def test_a_step_does_not_print_what_its_templates_become() -> None:
    world = settled()
    world.secrets.clear()
    texts = repr(world.plan())
    assert PASSWORD.reveal() not in texts
    assert "fresh-app" not in texts

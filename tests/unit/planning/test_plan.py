"""One plan after the other brings a resource from anywhere to Ready, and then plans nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_database_operator.errors import OperatorError
from litellm_database_operator.model.bundle import Bundle
from litellm_database_operator.model.migration import RunMode
from litellm_database_operator.model.names import RoleName
from litellm_database_operator.model.observed import InsideFacts, LoginState, Observed
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.roles import Membership
from litellm_database_operator.model.secret import Password
from litellm_database_operator.planning.deletion import plan_leaving
from litellm_database_operator.planning.findings import State
from litellm_database_operator.planning.gate import DEFAULT_GATE
from litellm_database_operator.planning.occasion import PreviewTarget
from litellm_database_operator.planning.plan import Plan, make_plan
from litellm_database_operator.planning.roles import wanted_memberships, wanted_roles
from litellm_database_operator.planning.steps import (
    AdmitLogins,
    CloseMigration,
    CreateDatabase,
    DeleteSecret,
    ExtendHistory,
    PrepareDatabase,
    PublishCa,
    PublishSecret,
    RestrictDatabase,
    SetPassword,
    ShapeRoles,
    StartMigration,
    Step,
)
from tests.support.planning import (
    ADMIN,
    BUNDLE,
    EMPTY,
    NEWER,
    NOW,
    PASSWORD,
    UNHURRIED,
    VERIFIED,
    World,
    binding_of,
    inside_of,
    job_of,
    mark_of,
    nothing,
    occasion_of,
    pod_of,
    ready,
    report_of,
    resource_of,
    secret_of,
)

RESOURCE = resource_of()
ALL: list[type] = [ShapeRoles, CreateDatabase, PrepareDatabase, PublishSecret, SetPassword, StartMigration]


def kinds(steps: tuple[Step, ...] | list[Step]) -> list[type]:
    """Return what steps do."""
    return [type(step) for step in steps]


def assert_promises(plan: Plan, observed: Observed, number: int) -> None:
    """What no plan may ever do, whatever was observed."""
    steps = plan.steps
    fresh = occasion_of(RESOURCE, number).fresh
    published = [step.binding.password for step in steps if isinstance(step, PublishSecret)]
    for place, step in enumerate(steps):
        if isinstance(step, SetPassword):
            assert step.password == fresh.app, "a password that does not log in was set"
            assert published == [step.password], "a password was set that the Secret does not hold"
            assert PublishSecret in kinds(steps[:place]), "a password was set before the Secret had it"
        if isinstance(step, CreateDatabase):
            assert observed.recorded_system_identifier is None, "what was made once was made again"
            assert observed.catalog.database is None
    starts = [step for step in steps if isinstance(step, StartMigration)]
    assert len(starts) <= 1
    if starts:
        assert all(job.finished for job in observed.jobs), "two Jobs at once"
        assert not observed.catalog.migrator_unlocked, "a run was not closed"
        assert observed.may_migrate
        assert starts[0].binding.password == fresh.migrator
        assert starts[0].binding.login == RESOURCE.roles.migrator
        same = {job.name for job in observed.jobs if job.mode is starts[0].mode}
        assert same.issuperset(starts[0].replaces), "the log of a run of another kind went"


def one_pass(world: World) -> Plan:
    """Look, decide, act and report."""
    observed, plan = world.plan()
    assert_promises(plan, observed, world.passes)
    world.apply(plan.steps)
    world.write_status()
    return plan


def settle(world: World) -> Plan:
    """Run passes and Jobs until nothing is left to do; fails where that never comes."""
    plan = one_pass(world)
    for _ in range(11):
        if not plan.steps and plan.decisive() is None:
            return plan
        world.run_jobs()
        plan = one_pass(world)
    raise AssertionError(f"never settled: {plan}")


def settled(**changes: object) -> World:
    """Return the world of a resource that is ready."""
    world = replace(World(resource=RESOURCE), **changes)
    settle(world)
    return world


# From nothing


def test_from_nothing_each_step_finds_what_it_needs() -> None:
    plan = make_plan(RESOURCE, nothing(), occasion_of(RESOURCE))
    assert kinds(plan.steps) == ALL


def test_from_nothing_the_names_are_those_of_the_resource() -> None:
    shape, create, prepare, publish, password, start = make_plan(RESOURCE, nothing(), occasion_of(RESOURCE)).steps
    assert shape == ShapeRoles(
        create=wanted_roles(RESOURCE, connections=None),
        alter=(),
        grant=tuple(sorted(wanted_memberships(RESOURCE.roles, ADMIN), key=lambda each: (each.group, each.member))),
        mark=mark_of(RESOURCE),
        owner=RESOURCE.roles.owner,
    )
    assert create == CreateDatabase(database=RESOURCE.database)
    assert prepare == PrepareDatabase(database=RESOURCE.database, schema=RESOURCE.spec.schema_, roles=RESOURCE.roles)
    fresh = occasion_of(RESOURCE).fresh
    binding = binding_of(RESOURCE, fresh.app)
    assert publish == PublishSecret(
        name="gateway-db", binding=binding, system_identifier=nothing().server.system_identifier, replaces=None
    )
    assert password == SetPassword(login=RESOURCE.roles.app_a, password=fresh.app)
    assert isinstance(start, StartMigration)
    assert (start.bundle, start.target) == (BUNDLE.version, BUNDLE.digest)
    assert (start.app, start.server, start.deadline) == (RESOURCE.roles.app, "databases/shared", 1800)


def test_no_role_can_log_in_before_it_has_a_password() -> None:
    assert not [role.name for role in wanted_roles(RESOURCE, connections=None) if role.login]


@pytest.mark.parametrize(
    ("asked", "limit"),
    [
        pytest.param({"credentials": {"connectionLimit": 40}}, 42, id="two more for health"),
        pytest.param({}, -1, id="no limit where none is asked for"),
    ],
)
def test_the_limit_is_that_of_the_logins(asked: dict[str, object], limit: int) -> None:
    resource = resource_of(asked)
    limits = {
        role.name: role.connection_limit
        for role in wanted_roles(resource, connections=resource.spec.credentials.connection_limit)
    }
    assert {limits.pop(login) for login in resource.roles.logins()} == {limit}
    assert {*limits.values()} == {-1}


def test_the_migrator_acts_as_the_owner_and_does_not_inherit() -> None:
    owner, migrator = RESOURCE.roles.owner, RESOURCE.roles.migrator
    roles = {role.name: role for role in wanted_roles(RESOURCE, connections=None)}
    assert {role.name: role.acts_as for role in roles.values() if role.acts_as} == {migrator: owner}
    members = wanted_memberships(RESOURCE.roles, ADMIN)
    assert [each for each in members if each.group == owner and each.member != ADMIN] == [
        Membership(group=owner, member=migrator, inherit=False)
    ]


def test_a_first_pass_a_job_and_a_close_make_it_ready() -> None:
    world = World(resource=RESOURCE)
    assert kinds(one_pass(world).steps) == ALL
    assert kinds(one_pass(world).steps) == []
    world.run_jobs()
    assert kinds(one_pass(world).steps) == [CloseMigration]
    last = one_pass(world)
    assert (last.steps, last.decisive()) == ((), None)
    assert [finding.reason for finding in last.findings()] == [
        Reason.PROVISIONED,
        Reason.PUBLISHED,
        Reason.MIGRATED,
        Reason.HEALTHY,
    ]
    assert (world.jobs_started, world.databases_made) == (1, 1)


@pytest.mark.parametrize(
    ("done", "plans"),
    [
        pytest.param(0, [ALL], id="before anything"),
        pytest.param(1, [ALL[1:]], id="after the roles"),
        pytest.param(2, [ALL[2:]], id="after the database"),
        pytest.param(3, [[PublishSecret, SetPassword], [StartMigration]], id="after its preparation"),
        pytest.param(4, [[PublishSecret, SetPassword], [StartMigration]], id="after the Secret"),
        pytest.param(5, [[StartMigration]], id="after the password"),
        pytest.param(6, [ALL[6:]], id="after the Job's start"),
    ],
)
def test_after_a_crash_the_next_plans_hold_what_is_left(done: int, plans: list[list[type]]) -> None:
    world = World(resource=RESOURCE)
    world.apply(world.plan()[1].steps[:done])
    assert [kinds(one_pass(world).steps) for _ in plans] == plans
    settle(world)
    assert (world.jobs_started, world.databases_made) == (1, 1)


def crash_between_create_and_revoke(world: World) -> None:
    """CREATE DATABASE leaves PUBLIC its rights until the next statement."""
    world.apply(world.plan()[1].steps[:2])
    assert world.database is not None
    world.database = replace(world.database, public_rights=frozenset({"CONNECT", "TEMPORARY"}))


def crash_between_unlock_and_job(world: World) -> None:
    """The migrator may log in, and there is no Job."""
    world.apply(world.plan()[1].steps)
    world.jobs.clear()


def job_deleted_while_running(world: World) -> None:
    """The same, seen later."""
    one_pass(world)
    world.jobs.clear()


@pytest.mark.parametrize(
    ("crash", "next_plan"),
    [
        pytest.param(
            crash_between_create_and_revoke,
            [RestrictDatabase, PrepareDatabase, PublishSecret, SetPassword, StartMigration],
            id="a database that PUBLIC may still enter is closed before it is prepared",
        ),
        pytest.param(crash_between_unlock_and_job, [CloseMigration], id="a migrator without a Job is locked first"),
        pytest.param(job_deleted_while_running, [CloseMigration], id="a Job deleted while running"),
    ],
)
def test_after_a_crash_within_a_step(crash: Callable[[World], None], next_plan: list[type]) -> None:
    world = World(resource=RESOURCE)
    crash(world)
    assert kinds(one_pass(world).steps) == next_plan
    settle(world)


def test_a_released_database_is_picked_up_with_a_fresh_password() -> None:
    world = settled()
    old = dict(world.passwords)
    world.apply(plan_leaving(RESOURCE, world.catalog(), (), mark_of(RESOURCE)))
    world.secrets.clear()
    world.jobs.clear()
    world.resource = resource_of(uid="uid-2")
    world.status_secret = world.status_identifier = None
    plan = one_pass(world)
    assert kinds(plan.steps) == [ShapeRoles, PublishSecret, SetPassword]
    settle(world)
    assert world.mark == mark_of(world.resource)
    assert world.databases_made == world.jobs_started == 1
    assert world.passwords.keys() == {RESOURCE.roles.app_a}
    assert world.passwords != old


# Drift


def edit_secret(key: str, value: str) -> Callable[[World], None]:
    """Return what edits a key of the published Secret by hand."""

    def edit(world: World) -> None:
        if found := world.secrets.get("gateway-db"):
            world.secrets["gateway-db"] = replace(found, data=dict(found.data) | {key: value})

    return edit


def drop_key(key: str) -> Callable[[World], None]:
    """Return what removes a key of the published Secret by hand."""

    def drop(world: World) -> None:
        if found := world.secrets.get("gateway-db"):
            world.secrets["gateway-db"] = replace(
                found, data={name: text for name, text in found.data.items() if name != key}
            )

    return drop


def forget_server(world: World) -> None:
    """Remove the annotation that says which server the database was made on."""
    if found := world.secrets.get("gateway-db"):
        world.secrets["gateway-db"] = replace(found, system_identifier=None)


def delete_secret(world: World) -> None:
    """Delete the published Secret."""
    world.secrets.pop("gateway-db", None)


def change_limit(world: World) -> None:
    """ALTER ROLE … CONNECTION LIMIT."""
    role = world.roles[RESOURCE.roles.app_a]
    world.roles[role.name] = replace(role, connection_limit=1)


def lose_membership(world: World) -> None:
    """REVOKE the app's rights from its login."""
    world.memberships.discard(Membership(group=RESOURCE.roles.app, member=RESOURCE.roles.app_a, inherit=True))


def lose_inheritance(world: World) -> None:
    """GRANT … WITH INHERIT FALSE to the admin."""
    owner = RESOURCE.roles.owner
    world.memberships.discard(Membership(group=owner, member=ADMIN, inherit=True))
    world.memberships.add(Membership(group=owner, member=ADMIN, inherit=False))


def open_to_public(world: World) -> None:
    """GRANT CONNECT ON DATABASE … TO PUBLIC."""
    assert world.database is not None
    world.database = replace(world.database, public_rights=frozenset({"CONNECT"}))


def revoke_connect(world: World) -> None:
    """REVOKE CONNECT ON DATABASE … FROM the app."""
    assert world.database is not None
    world.database = replace(world.database, connecting=frozenset[RoleName]())


def shut_the_migrator_out(world: World) -> None:
    """REVOKE CONNECT ON DATABASE … FROM the migrator."""
    assert world.database is not None
    world.database = replace(world.database, connecting=frozenset({RESOURCE.roles.app}))


def refuse_login(world: World) -> None:
    """ALTER ROLE … NOLOGIN."""
    role = world.roles[RESOURCE.roles.app_a]
    world.roles[role.name] = replace(role, login=False)


def change_password(world: World) -> None:
    """ALTER ROLE … PASSWORD."""
    world.passwords[RESOURCE.roles.app_a] = "another"


def let_owner_in(world: World) -> None:
    """ALTER ROLE of the owner LOGIN."""
    role = world.roles[RESOURCE.roles.owner]
    world.roles[role.name] = replace(role, login=True)


def stop_acting_as_owner(world: World) -> None:
    """ALTER ROLE of the migrator RESET role."""
    role = world.roles[RESOURCE.roles.migrator]
    world.roles[role.name] = replace(role, acts_as=None)


def release_mark(world: World) -> None:
    """COMMENT ON ROLE with a released mark."""
    assert world.mark is not None
    world.mark = world.mark.release()


def change_ca(world: World) -> None:
    """Renew the server's CA."""
    world.ca = "another PEM"


def rename_secret(world: World) -> None:
    """Edit spec.secret.name."""
    world.resource = resource_of({"secret": {"name": "renamed"}})


def drop_a_view(world: World) -> None:
    """DROP VIEW."""
    world.inside = replace(world.inside, views=frozenset())
    world.jobs.clear()


def change_target(world: World) -> None:
    """Edit spec.litellm."""
    world.target = NEWER


SECRET_KEYS = sorted(binding_of(RESOURCE).published())
DRIFTS: dict[str, tuple[Callable[[World], None], list[type]]] = {
    **{
        f"key {key} edited": (
            edit_secret(key, "edited"),
            [PublishSecret, SetPassword] if key == "DATABASE_PASSWORD" else [PublishSecret],
        )
        for key in SECRET_KEYS
    },
    "a key removed": (drop_key("uri"), [PublishSecret]),
    "the password's key removed": (drop_key("DATABASE_PASSWORD"), [PublishSecret, SetPassword]),
    "a key added": (edit_secret("mine", "x"), [PublishSecret]),
    "the server's identifier removed": (forget_server, [PublishSecret]),
    "the Secret deleted": (delete_secret, [PublishSecret, SetPassword]),
    "the role's limit changed": (change_limit, [ShapeRoles]),
    "a membership lost": (lose_membership, [ShapeRoles]),
    "the admin's inheritance lost": (lose_inheritance, [ShapeRoles]),
    "PUBLIC let in": (open_to_public, [RestrictDatabase]),
    "CONNECT revoked": (revoke_connect, [AdmitLogins]),
    "CONNECT revoked from the migrator": (shut_the_migrator_out, [AdmitLogins]),
    "the login refused": (refuse_login, [PublishSecret, SetPassword]),
    "the role's password changed": (change_password, [PublishSecret, SetPassword]),
    "the owner let in": (let_owner_in, [ShapeRoles]),
    "the migrator no longer the owner": (stop_acting_as_owner, [ShapeRoles]),
    "the mark released": (release_mark, [ShapeRoles]),
    "a CA given": (change_ca, [PublishCa]),
    "the Secret renamed": (rename_secret, [PublishSecret, DeleteSecret]),
    "a view dropped": (drop_a_view, [StartMigration]),
    "a newer target": (change_target, [StartMigration]),
}


@pytest.mark.parametrize(
    ("drift", "mends"), [pytest.param(drift, mends, id=name) for name, (drift, mends) in DRIFTS.items()]
)
def test_what_drifted_is_mended_and_nothing_else(drift: Callable[[World], None], mends: list[type]) -> None:
    world = settled()
    drift(world)
    assert kinds(one_pass(world).steps) == mends
    settle(world)


@UNHURRIED
@given(st.sets(st.sampled_from(sorted(DRIFTS))))
def test_a_second_pass_plans_nothing(names: set[str]) -> None:
    world = settled()
    for name in sorted(names):
        DRIFTS[name][0](world)
    settle(world)
    assert one_pass(world).steps == ()
    assert world.databases_made == 1


@UNHURRIED
@given(st.sets(st.sampled_from(sorted(DRIFTS))), st.integers(0, 8))
def test_a_crash_while_mending_is_mended(names: set[str], done: int) -> None:
    world = settled()
    for name in sorted(names):
        DRIFTS[name][0](world)
    world.apply(world.plan()[1].steps[:done])
    settle(world)
    assert world.databases_made == 1


def test_connect_that_was_revoked_leaves_the_password_that_proxies_have() -> None:
    world = settled()
    before = dict(world.passwords)
    revoke_connect(world)
    settle(world)
    assert world.passwords == before
    assert world.jobs_started == 1


def test_only_what_differs_is_altered() -> None:
    world = settled()
    change_limit(world)
    (shape,) = world.plan()[1].steps
    assert isinstance(shape, ShapeRoles)
    assert [(role.name, role.login, role.connection_limit) for role in shape.alter] == [
        (RESOURCE.roles.app_a, True, -1)
    ]
    assert (shape.create, shape.grant, shape.mark) == ((), (), None)


def test_a_password_that_a_tenant_wrote_is_never_set() -> None:
    world = settled()
    edit_secret("DATABASE_PASSWORD", "chosen-by-a-tenant")(world)
    one_pass(world)
    assert "chosen-by-a-tenant" not in world.passwords.values()


def test_where_a_tenant_points_the_secret_nobody_logs_in() -> None:
    world = settled()
    for key in ("DATABASE_HOST", "host", "endpoint", "DATABASE_URL", "uri", "DATABASE_USER", "username"):
        edit_secret(key, "evil.example")(world)
    assert world.observe().login is LoginState.WORKS
    one_pass(world)
    assert "evil.example" not in str(world.secrets["gateway-db"].data)


def test_a_renamed_secret_keeps_its_password_and_the_new_one_is_there_first() -> None:
    world = settled()
    before = dict(world.passwords)
    rename_secret(world)
    publish, delete = one_pass(world).steps
    assert isinstance(publish, PublishSecret)
    assert isinstance(delete, DeleteSecret)
    assert (publish.name, publish.replaces, delete.name) == ("renamed", None, "gateway-db")
    assert world.passwords == before
    assert world.secrets.keys() == {"renamed"}


def test_a_former_secret_of_somebody_else_is_neither_read_nor_removed() -> None:
    resource = resource_of({"secret": {"name": "renamed"}})
    former = secret_of("gateway-db", binding_of(resource).published(), ours=False)
    plan = make_plan(resource, ready(resource, secret=None, former_secret=former), occasion_of(resource))
    assert kinds(plan.steps) == [PublishSecret, SetPassword]
    (publish, _) = plan.steps
    assert isinstance(publish, PublishSecret)
    assert publish.binding.password != PASSWORD


@pytest.mark.parametrize(
    ("login", "password", "mends"),
    [
        pytest.param(LoginState.WORKS, PASSWORD, [], id="a login that works"),
        pytest.param(LoginState.CROWDED, PASSWORD, [], id="a login that found no free connection"),
        pytest.param(LoginState.SHUT_OUT, PASSWORD, [], id="a login that may not connect"),
        pytest.param(LoginState.REFUSED, Password("fresh-app-0"), [PublishSecret, SetPassword], id="a login refused"),
    ],
)
def test_a_new_password_is_made_only_where_the_old_one_was_refused(
    login: LoginState, password: Password, mends: list[type]
) -> None:
    inside = inside_of() if login is LoginState.WORKS else None
    plan = make_plan(RESOURCE, ready(RESOURCE, login=login, inside=inside), occasion_of(RESOURCE))
    assert kinds(plan.steps) == mends
    assert {step.binding.password for step in plan.steps if isinstance(step, PublishSecret)} <= {password}


# Whatever was observed

LOGINS = st.sampled_from(list(LoginState))
LEDGERS = st.sets(st.sampled_from([*NEWER.migrations, "unknown"])).map(frozenset)
INSIDES = st.none() | st.builds(
    InsideFacts,
    finished=LEDGERS,
    unfinished=LEDGERS,
    views=st.sets(st.sampled_from(BUNDLE.views)).map(frozenset),
    judged=st.sets(st.sampled_from([BUNDLE.digest, NEWER.digest])).map(lambda them: dict.fromkeys(them, VERIFIED)),
)
JOBS = st.lists(
    st.builds(
        job_of,
        st.sampled_from([BUNDLE, NEWER]),
        ledger=LEDGERS,
        finished=st.booleans(),
        succeeded=st.booleans(),
        deadline_exceeded=st.booleans(),
        retry=st.sampled_from(["", "again"]),
        mode=st.sampled_from(list(RunMode)),
        gate=st.sampled_from([DEFAULT_GATE, "", "another"]),
        proof=st.sampled_from(["", NOW.isoformat()]),
        pod=st.sampled_from([None, pod_of(), pod_of(waiting="Unschedulable"), pod_of(left=report_of(), exit_code=0)]),
    ),
    max_size=3,
).map(tuple)


@st.composite
def observations(draw: st.DrawFn) -> Observed:
    """Draw any mixture of what a look can find, also those that no step leads to."""
    there = ready(RESOURCE)
    catalog = there.catalog
    some_roles = draw(st.sets(st.sampled_from(sorted(catalog.roles))))
    assert catalog.database is not None
    database = replace(
        catalog.database,
        connecting=draw(st.sampled_from([frozenset[RoleName](), catalog.database.connecting])),
        public_rights=draw(st.sampled_from([frozenset[str](), frozenset({"CONNECT"})])),
        valid=draw(st.booleans()),
        accepts_connections=draw(st.booleans()),
    )
    mark = mark_of(RESOURCE)
    marks = [None, mark, mark.release(), replace(mark, uid="old"), replace(mark, namespace_uid="other")]
    return replace(
        there,
        catalog=replace(
            catalog,
            roles={name: replace(catalog.roles[name], login=draw(st.booleans())) for name in some_roles},
            migrator_unlocked=draw(st.booleans()),
            mark=draw(st.sampled_from(marks)),
            database=draw(st.none() | st.just(database)),
        ),
        secret=draw(st.sampled_from([None, there.secret, secret_of("gateway-db", {"DATABASE_PASSWORD": "x"})])),
        login=draw(LOGINS),
        inside=draw(INSIDES),
        jobs=draw(JOBS),
        may_migrate=draw(st.booleans()),
        recorded_system_identifier=draw(st.sampled_from([None, there.server.system_identifier, "other"])),
    )


PREVIEWS = st.sampled_from(
    [None, PreviewTarget(bundle=BUNDLE), PreviewTarget(bundle=NEWER), PreviewTarget(bundle=None)]
)


@UNHURRIED
@given(observations(), st.sampled_from([BUNDLE, NEWER]), PREVIEWS, st.timedeltas(timedelta(0), timedelta(days=2)))
def test_no_plan_breaks_a_promise_whatever_was_observed(
    observed: Observed, target: Bundle, preview: PreviewTarget | None, later: timedelta
) -> None:
    occasion = replace(occasion_of(RESOURCE, target=target), preview=preview, now=NOW + later)
    try:
        plan = make_plan(RESOURCE, observed, occasion)
    except OperatorError:
        return
    assert_promises(plan, observed, 0)
    mark = observed.catalog.mark
    touched = observed.catalog.roles or observed.catalog.database
    assert not touched or (mark is not None and mark.same_claim(mark_of(RESOURCE))), (
        "something of another was planned for"
    )
    if any(isinstance(step, CreateDatabase) for step in plan.steps):
        logins = [observed.catalog.roles[name] for name in RESOURCE.roles.logins() if name in observed.catalog.roles]
        assert not [role for role in logins if role.login], "an empty database was made for logins that work"


# Suspended


@pytest.mark.parametrize(("name", "drift"), [pytest.param(name, drift, id=name) for name, (drift, _) in DRIFTS.items()])
def test_suspended_nothing_is_healed(name: str, drift: Callable[[World], None]) -> None:
    world = settled()
    drift(world)
    world.resource = resource_of({"suspend": True, "secret": {"name": world.resource.secret_name}})
    plan = one_pass(world)
    assert plan.steps == ()
    decisive = plan.decisive()
    assert decisive is not None, f"{name} is not told"
    assert decisive.retry_after != 0, "nobody mends it: looking again at once would never end"


@pytest.mark.parametrize("login", LoginState)
def test_suspended_no_finding_asks_for_another_look(login: LoginState) -> None:
    resource = resource_of({"suspend": True})
    inside = inside_of() if login is LoginState.WORKS else None
    plan = make_plan(resource, ready(resource, login=login, inside=inside), occasion_of(resource))
    assert {finding.retry_after for finding in plan.findings()} == {None}


def test_suspended_a_run_that_ended_is_closed() -> None:
    world = World(resource=RESOURCE)
    one_pass(world)
    world.run_jobs()
    world.resource = resource_of({"suspend": True})
    assert kinds(one_pass(world).steps) == [CloseMigration]
    assert one_pass(world).steps == ()


def test_suspended_and_well_it_is_well() -> None:
    world = settled()
    world.resource = resource_of({"suspend": True})
    plan = one_pass(world)
    assert (plan.steps, plan.decisive()) == ((), None)


# Our own history


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        pytest.param(replace(EMPTY, history=frozenset({"1"})), [ExtendHistory, StartMigration], id="before a run"),
        pytest.param(inside_of(), [ExtendHistory], id="of a database at its target"),
        pytest.param(replace(inside_of(), history=frozenset({"1", "2", "3"})), [], id="not where a newer one has been"),
    ],
)
def test_the_history_is_extended(inside: InsideFacts, expected: list[type]) -> None:
    occasion = replace(occasion_of(RESOURCE), history=frozenset({"1", "2"}))
    plan = make_plan(RESOURCE, ready(RESOURCE, inside=inside), occasion)
    assert kinds(plan.steps) == expected
    extends = [step for step in plan.steps if isinstance(step, ExtendHistory)]
    assert [step.needed for step in extends] == [StartMigration in expected] * len(extends)
    assert plan.decisive() is None or StartMigration in expected


# Health


@pytest.mark.parametrize(
    ("login", "state", "reason"),
    [
        pytest.param(LoginState.WORKS, State.DONE, Reason.HEALTHY, id="the login works"),
        pytest.param(LoginState.CROWDED, State.UNWELL, Reason.SERVER_BUSY, id="all connections are in use"),
        pytest.param(LoginState.REFUSED, State.WAITING, Reason.LOGIN_FAILED, id="the login was refused"),
        pytest.param(LoginState.UNTRIED, State.WAITING, Reason.LOGIN_FAILED, id="nobody tried"),
        pytest.param(LoginState.SHUT_OUT, State.WAITING, Reason.LOGIN_FAILED, id="the login may not connect"),
    ],
)
def test_health_is_what_the_login_found(login: LoginState, state: State, reason: Reason) -> None:
    plan = make_plan(RESOURCE, ready(RESOURCE, login=login), occasion_of(RESOURCE))
    assert (plan.healthy.state, plan.healthy.reason) == (state, reason)


def test_a_crowded_server_is_not_looked_at_again_at_once() -> None:
    observed = ready(RESOURCE, login=LoginState.CROWDED, inside=None)
    decisive = make_plan(RESOURCE, observed, occasion_of(RESOURCE)).decisive()
    assert decisive is not None
    assert (decisive.reason, decisive.retry_after) == (Reason.SERVER_BUSY, 30)


def test_a_crowded_login_gets_the_limit_that_was_raised() -> None:
    resource = resource_of({"credentials": {"connectionLimit": 40}})
    observed = replace(ready(resource, login=LoginState.CROWDED, inside=None), catalog=ready(RESOURCE).catalog)
    (shape,) = make_plan(resource, observed, occasion_of(resource)).steps
    assert isinstance(shape, ShapeRoles)
    assert {role.connection_limit for role in shape.alter} == {42}

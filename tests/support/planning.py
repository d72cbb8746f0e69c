"""Resources, observations and a small world for tests of planning: each with a sensible default, all in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, assert_never

from hypothesis import HealthCheck, settings

from litellm_database_operator.model import names, report
from litellm_database_operator.model.bundle import Bundle, BundleVersion, Digest, ledger_fingerprint
from litellm_database_operator.model.migration import RunMode
from litellm_database_operator.model.names import RoleName, SchemaName, ca_secret
from litellm_database_operator.model.observed import (
    CatalogFacts,
    DatabaseFacts,
    InsideFacts,
    JobFacts,
    Judged,
    LoginState,
    Observed,
    PodFacts,
    SecretFacts,
    ServerFacts,
)
from litellm_database_operator.model.resource import LiteLLMDatabase, PodTemplate
from litellm_database_operator.model.roles import Mark, Membership, Role
from litellm_database_operator.model.secret import PASSWORD_KEY, SECRET_TYPE, Binding, Endpoint, Password
from litellm_database_operator.model.secret_metadata import SecretMetadata
from litellm_database_operator.planning.gate import DEFAULT_GATE
from litellm_database_operator.planning.occasion import FreshPasswords, Occasion
from litellm_database_operator.planning.parse import parse_database
from litellm_database_operator.planning.plan import Plan, make_plan
from litellm_database_operator.planning.roles import wanted_memberships, wanted_roles
from litellm_database_operator.planning.running import template_fingerprint
from litellm_database_operator.planning.steps import (
    AdmitLogins,
    CloseMigration,
    CreateDatabase,
    DeleteJobs,
    DeleteSecret,
    DropDatabase,
    ExtendHistory,
    PrepareDatabase,
    PublishCa,
    PublishSecret,
    ReleaseDatabase,
    RestrictDatabase,
    SetPassword,
    ShapeRoles,
    StartMigration,
    Step,
)

UNHURRIED: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For properties: a machine that is busy with other tests says nothing about them."""
NOW: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ADMIN: Final = RoleName("platform")
SYSTEM: Final = "7300000000000000001"
IMAGE: Final = "operator:1"
SERVER_KEY: Final = "databases/shared"
ENDPOINT: Final = Endpoint(host="db.example", port=5432, tls="require")
PASSWORD: Final = Password("working-password")
BUNDLE: Final = Bundle(
    version=BundleVersion("0.4.39"),
    digest=Digest("sha256:" + "a" * 64),
    litellm=("1.81.12",),
    migrations=("20250101000000_first", "20250201000000_second"),
    views=("LiteLLM_VerificationTokenView", "MonthlyGlobalSpend"),
)
NEWER: Final = replace(
    BUNDLE,
    version=BundleVersion("0.4.40"),
    digest=Digest("sha256:" + "b" * 64),
    litellm=("1.82.0",),
    migrations=(*BUNDLE.migrations, "20250301000000_third"),
)
VERIFIED: Final = Judged(at=NOW, missing=())
EMPTY: Final = InsideFacts(finished=frozenset(), unfinished=frozenset(), views=frozenset())


def body_of(spec: Mapping[str, Any] | None = None, **metadata: object) -> dict[str, Any]:
    """Return a LiteLLMDatabase as the API server sends it; `spec` beside the least that one needs."""
    meta = {"name": "gateway", "namespace": "team-a", "uid": "uid-1", "generation": 1} | metadata
    return {
        "kind": names.DATABASE_KIND,
        "metadata": meta,
        "spec": {"litellm": {"version": "1.81.12"}} | dict(spec or {}),
    }


def resource_of(spec: Mapping[str, Any] | None = None, **metadata: object) -> LiteLLMDatabase:
    """Return the same, parsed."""
    return parse_database(body_of(spec, **metadata))


def mark_of(resource: LiteLLMDatabase) -> Mark:
    """Return the claim of a resource."""
    meta = resource.metadata
    return Mark(
        identity="installation",
        namespace=meta.namespace,
        namespace_uid=f"uid-of-{meta.namespace}",
        name=meta.name,
        uid=meta.uid,
    )


def occasion_of(resource: LiteLLMDatabase, number: int = 0, *, target: Bundle = BUNDLE) -> Occasion:
    """Return what a plan is made with; `number` makes the fresh passwords those of one pass."""
    return Occasion(
        target=target,
        mark=mark_of(resource),
        fresh=FreshPasswords(app=Password(f"fresh-app-{number}"), migrator=Password(f"fresh-migrator-{number}")),
        image=IMAGE,
        now=NOW,
    )


def server_of(version_num: int = 160004, *, superuser: bool = True) -> ServerFacts:
    """Return a server on which everything can be made."""
    return ServerFacts(
        version_num=version_num,
        version=f"{version_num // 10000}.{version_num % 10000}",
        system_identifier=SYSTEM,
        in_recovery=False,
        admin=ADMIN,
        superuser=superuser,
        missing_privileges=(),
    )


def inside_of(bundle: Bundle = BUNDLE) -> InsideFacts:
    """Return a database that is complete for a bundle."""
    return InsideFacts(
        finished=frozenset(bundle.migrations),
        unfinished=frozenset(),
        views=frozenset(bundle.views),
        judged={bundle.digest: VERIFIED},
    )


def database_of(resource: LiteLLMDatabase) -> DatabaseFacts:
    """Return a database as it should be."""
    return DatabaseFacts(
        owner=ADMIN,
        public_rights=frozenset(),
        connecting=frozenset({resource.roles.app, resource.roles.migrator}),
        valid=True,
        accepts_connections=True,
    )


def catalog_of(resource: LiteLLMDatabase) -> CatalogFacts:
    """Return roles and database as they should be, with the logins able to log in."""
    logins = resource.roles.logins()
    roles = {
        role.name: replace(role, login=role.name in logins)
        for role in wanted_roles(resource, connections=resource.spec.credentials.connection_limit)
    }
    return CatalogFacts(
        roles=roles,
        migrator_unlocked=False,
        memberships=wanted_memberships(resource.roles, ADMIN),
        mark=mark_of(resource),
        database=database_of(resource),
    )


def empty_catalog() -> CatalogFacts:
    """Return a server that knows nothing of the resource."""
    return CatalogFacts(roles={}, migrator_unlocked=False, memberships=frozenset(), mark=None, database=None)


def published_keys() -> set[str]:
    """Return every key that is ever published, but for those that spec.secret.keys asks for."""
    made = binding_of(resource_of())
    return set(replace(made, endpoint=replace(made.endpoint, tls="verify-full")).published())


def binding_of(resource: LiteLLMDatabase, password: Password = PASSWORD) -> Binding:
    """Return what should be published."""
    return Binding(
        endpoint=ENDPOINT,
        database=resource.database,
        schema=SchemaName(resource.spec.schema_),
        login=resource.roles.app_a,
        password=password,
        keys=resource.spec.secret.keys,
    )


def secret_of(name: str, data: Mapping[str, str], *, ours: bool = True, identifier: str | None = SYSTEM) -> SecretFacts:
    """Return a Secret."""
    return SecretFacts(
        ours=ours,
        predecessor=False,
        data=data,
        type=SECRET_TYPE,
        name=name,
        uid=f"uid-of-{name}",
        resource_version="7",
        system_identifier=identifier,
    )


def ready(resource: LiteLLMDatabase, **changes: object) -> Observed:
    """Return what a look finds when nothing is left to do, but for `changes`."""
    found = Observed(
        endpoint=ENDPOINT,
        server_key=SERVER_KEY,
        server=server_of(),
        catalog=catalog_of(resource),
        secret=secret_of(resource.secret_name, binding_of(resource).published()),
        former_secret=None,
        ca=None,
        ca_secret=None,
        former_ca_secret=None,
        login=LoginState.WORKS,
        inside=inside_of(),
        jobs=(),
        may_migrate=True,
        recorded_system_identifier=SYSTEM,
    )
    return replace(found, **changes)


def nothing(**changes: object) -> Observed:
    """Return what the first look finds, but for `changes`."""
    found = Observed(
        endpoint=ENDPOINT,
        server_key=SERVER_KEY,
        server=server_of(),
        catalog=empty_catalog(),
        secret=None,
        former_secret=None,
        ca=None,
        ca_secret=None,
        former_ca_secret=None,
        login=LoginState.UNTRIED,
        inside=None,
        jobs=(),
        may_migrate=True,
        recorded_system_identifier=None,
    )
    return replace(found, **changes)


def job_of(target: Bundle = BUNDLE, *, ledger: Iterable[str] = (), **changes: object) -> JobFacts:
    """Return a Job that runs well, but for `changes`; `ledger` is what it started from."""
    job = JobFacts(
        name="gateway-migrate-00000000",
        uid="uid-of-job",
        ours=True,
        target=target.digest,
        ledger=ledger_fingerprint(ledger),
        retry="",
        mode=RunMode.MIGRATE,
        gate=DEFAULT_GATE,
        proof="",
        template=template_fingerprint(PodTemplate(), image=IMAGE),
        created=NOW - timedelta(minutes=1),
        finished=False,
        succeeded=False,
        going=False,
        refused=None,
        deadline_exceeded=False,
        pod=pod_of(),
    )
    return replace(job, **changes)


def pod_of(
    *, waiting: str | None = None, message: str = "", left: str | None = None, exit_code: int | None = None
) -> PodFacts:
    """Return a pod; `left` is its termination message."""
    return PodFacts(waiting=waiting, message=message, termination_message=left, exit_code=exit_code)


def report_of(
    *, ledger: Iterable[str] = (), applied: int = 0, failure: report.Failure | None = None, target: Bundle = BUNDLE
) -> str:
    """Return what a migrator leaves behind; `ledger` is what its run ended with."""
    done = report.Outcome.MIGRATED if applied else report.Outcome.NOTHING_TO_DO
    return report.dump(
        report.Report(
            outcome=report.Outcome.FAILED if failure else done,
            bundle=target.version,
            digest=target.digest,
            applied=applied,
            total=len(target.migrations),
            ledger=ledger_fingerprint(ledger),
            seconds=1.5,
            failure=failure,
        )
    )


@dataclass(slots=True, kw_only=True)
class World:
    """A cluster and a server in memory, as far as one resource's plans can change them.

    Where it begins the resource is new. `observe` sees what reconcile/observe.py would, `apply` does what a step says.
    """

    resource: LiteLLMDatabase
    target: Bundle = BUNDLE
    server: ServerFacts = field(default_factory=server_of)
    ca: str | None = None
    roles: dict[RoleName, Role] = field(default_factory=dict[RoleName, Role])
    memberships: set[Membership] = field(default_factory=set[Membership])
    mark: Mark | None = None
    database: DatabaseFacts | None = None
    passwords: dict[RoleName, str] = field(default_factory=dict[RoleName, str])
    secrets: dict[str, SecretFacts] = field(default_factory=dict[str, SecretFacts])
    jobs: list[JobFacts] = field(default_factory=list[JobFacts])
    inside: InsideFacts = EMPTY
    history: frozenset[str] = frozenset()
    """Of the operator's image; a new database gets it."""
    may_migrate: bool = True
    status_secret: str | None = None
    status_identifier: str | None = None
    databases_made: int = 0
    jobs_started: int = 0
    passes: int = 0

    # Looking

    def observe(self) -> Observed:
        """Return what a look finds now."""
        resource = self.resource
        secret = self.secrets.get(resource.secret_name)
        renamed = self.status_secret is not None and self.status_secret != resource.secret_name
        former = self.secrets.get(self.status_secret or "") if renamed else None
        login = self._login(secret or former)
        identifier = secret.system_identifier if secret else None
        return Observed(
            endpoint=ENDPOINT,
            server_key=SERVER_KEY,
            server=self.server,
            catalog=self.catalog(),
            secret=secret,
            former_secret=former,
            ca=self.ca,
            ca_secret=self.secrets.get(resource.ca_secret_name) if self.ca else None,
            former_ca_secret=self.secrets.get(ca_secret(self.status_secret or "")) if renamed and self.ca else None,
            login=login,
            inside=self.inside if login is LoginState.WORKS else None,
            jobs=tuple(reversed(self.jobs)),
            may_migrate=self.may_migrate,
            recorded_system_identifier=identifier or self.status_identifier,
        )

    def catalog(self) -> CatalogFacts:
        """Return what the shared catalogues say."""
        migrator = self.resource.roles.migrator
        return CatalogFacts(
            roles=dict(self.roles),
            migrator_unlocked=migrator in self.roles and self.roles[migrator].login,
            memberships=frozenset(self.memberships),
            mark=self.mark,
            database=self.database,
        )

    def _login(self, secret: SecretFacts | None) -> LoginState:
        roles, password = self.resource.roles, secret.password(PASSWORD_KEY) if secret else None
        role = self.roles.get(roles.app_a)
        if password is None or role is None or self.database is None:
            return LoginState.UNTRIED
        if not role.login or self.passwords.get(role.name) != password.reveal():
            return LoginState.REFUSED
        inherits = Membership(group=roles.app, member=roles.app_a, inherit=True) in self.memberships
        may_enter = inherits and roles.app in self.database.connecting
        return LoginState.WORKS if may_enter else LoginState.SHUT_OUT

    # Acting

    def plan(self) -> tuple[Observed, Plan]:
        """Look and decide, as one pass does, with fresh passwords of its own."""
        self.passes += 1
        observed = self.observe()
        return observed, make_plan(self.resource, observed, occasion_of(self.resource, self.passes, target=self.target))

    def apply(self, steps: Iterable[Step]) -> None:
        """Do what the steps say."""
        for step in steps:
            self._apply(step)

    def _apply(self, step: Step) -> None:  # noqa: C901, PLR0912 - one case a step
        match step:
            case ShapeRoles():
                self._shape(step)
            case CreateDatabase():
                assert self.database is None
                self.databases_made += 1
                self.database = replace(database_of(self.resource), connecting=frozenset())
            case PrepareDatabase(roles=roles):
                self.database = replace(self._made(), connecting=frozenset({roles.app, roles.migrator}))
            case ExtendHistory():
                self.inside = replace(self.inside, history=self.history)
            case AdmitLogins(roles=roles):
                self.database = replace(self._made(), connecting=frozenset({roles.app, roles.migrator}))
            case RestrictDatabase():
                self.database = replace(self._made(), public_rights=frozenset())
            case PublishSecret(name=name, replaces=replaces):
                assert (replaces is None) == (name not in self.secrets)
                data = step.binding.published()
                self._put(secret_of(name, data, identifier=step.system_identifier), step.metadata)
            case PublishCa(name=name, certificate=certificate):
                self._put(secret_of(name, {"ca.crt": certificate}, identifier=None), step.metadata)
            case DeleteSecret(name=name):
                del self.secrets[name]
            case SetPassword(login=login, password=password):
                self._let_in(login, password)
            case StartMigration():
                self._start(step)
            case CloseMigration(migrator=migrator):
                self._lock(migrator)
            case DeleteJobs(jobs=jobs):
                self.jobs = [job for job in self.jobs if job.name not in jobs]
            case ReleaseDatabase(roles=roles, mark=mark):
                for login in (roles.migrator, *roles.logins()):
                    self._lock(login)
                self.mark = mark
            case DropDatabase():
                self.database, self.mark = None, None
                self.roles.clear()
                self.memberships.clear()
            case _:
                assert_never(step)

    def _put(self, secret: SecretFacts, metadata: SecretMetadata) -> None:
        """Write a Secret; what others put on the one before it stays."""
        before = self.secrets.get(secret.name, secret)
        labels = {**before.labels, **metadata.labels}
        annotations = {**before.annotations, **metadata.annotations}
        for key in metadata.dropped_labels:
            del labels[key]
        for key in metadata.dropped_annotations:
            del annotations[key]
        self.secrets[secret.name] = replace(secret, labels=labels, annotations=annotations)

    def _made(self) -> DatabaseFacts:
        assert self.database is not None
        return self.database

    def _shape(self, step: ShapeRoles) -> None:
        assert not {role.name for role in step.create} & self.roles.keys()
        self.roles |= {role.name: role for role in (*step.create, *step.alter)}
        for each in step.grant:
            self.memberships.discard(replace(each, inherit=not each.inherit))
            self.memberships.add(each)
        self.mark = step.mark or self.mark

    def _let_in(self, login: RoleName, password: Password) -> None:
        self.roles[login] = replace(self.roles[login], login=True)
        self.passwords[login] = password.reveal()

    def _lock(self, login: RoleName) -> None:
        self.roles[login] = replace(self.roles[login], login=False)
        self.passwords.pop(login, None)

    def _start(self, step: StartMigration) -> None:
        self.jobs = [job for job in self.jobs if job.name not in step.replaces]
        self._let_in(step.binding.login, step.binding.password)
        self.jobs_started += 1
        job = job_of(self.target, name=step.job, retry=step.retry, mode=step.mode, gate=step.gate, proof=step.proof)
        self.jobs.append(replace(job, target=step.target, ledger=step.ledger))

    def run_jobs(self) -> None:
        """Let every running Job end well."""
        for number, job in enumerate(self.jobs):
            if not job.finished:
                self.inside = inside_of(self.target)
                left = pod_of(left=report_of(ledger=self.target.migrations, applied=2), exit_code=0)
                self.jobs[number] = replace(job, finished=True, succeeded=True, pod=left)

    def write_status(self) -> None:
        """Write what a pass that came to its end would write."""
        self.status_secret = self.resource.secret_name
        self.status_identifier = self.server.system_identifier

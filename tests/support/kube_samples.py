"""Steps and owners that the tests of kube/ build objects from."""

from __future__ import annotations

from dataclasses import replace

from litellm_database_operator.kube.objects import Owner
from litellm_database_operator.model.migration import Engine, Policy, RunMode
from litellm_database_operator.model.names import DatabaseName, RoleName, SchemaName
from litellm_database_operator.model.resource import PodTemplate
from litellm_database_operator.model.secret import Binding, Endpoint, Password
from litellm_database_operator.planning.steps import StartMigration

OWNER = Owner(kind="LiteLLMDatabase", name="gateway", namespace="team-a", uid="11111111-2222-3333-4444-555555555555")
BINDING = Binding(
    endpoint=Endpoint(host="main-postgres.data.svc", port=5432, tls="verify-full"),
    database=DatabaseName("team-a_gateway"),
    schema=SchemaName("public"),
    login=RoleName("team-a_gateway_app_a"),
    password=Password("correct-horse"),
)
MIGRATOR = replace(BINDING, login=RoleName("team-a_gateway_migrator"))
STEP = StartMigration(
    job="gateway-migrate-0a1b2c3d",
    bundle="0.4.39",
    target="sha256:" + "ab" * 32,
    ledger="0123456789abcdef",
    retry="",
    mode=RunMode.MIGRATE,
    policy=Policy.SAFE,
    approved="sha256:" + "cd" * 32,
    engine=Engine.DIRECT,
    gate="0a1b2c3d4e5f6071",
    proof="",
    template="feedc0de",
    deadline=1800,
    binding=MIGRATOR,
    ca="PEM",
    app=RoleName("team-a_gateway_app"),
    server="data/main",
    pod_template=PodTemplate(),
    replaces=(),
)

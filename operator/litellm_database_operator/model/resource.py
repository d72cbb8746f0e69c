"""The two resources as Python sees them: parsed once, at the start of a pass.

pydantic checks what the API server sent, although the CRD did already: the CRD that is installed may be older
or newer than this operator. Field names and bounds are the CRD's; a test compares them with crds/.
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from litellm_database_operator.model import names, reserved
from litellm_database_operator.model.migration import Engine, Policy
from litellm_database_operator.model.names import DatabaseName, SchemaName

DEFAULT_DEADLINE_SECONDS: Final = 1800
DEFAULT_CONCURRENT_MIGRATIONS: Final = 4

ObjectName = Annotated[str, Field(min_length=1, max_length=253)]
LabelKey = Annotated[str, Field(max_length=317, pattern=reserved.METADATA_KEY)]
LabelValue = Annotated[str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]
AnnotationValue = Annotated[str, Field(max_length=1024)]
SecretKey = Annotated[str, Field(max_length=253, pattern=reserved.SECRET_KEY)]
Template = Annotated[str, Field(max_length=1024)]
DatabaseLength = Annotated[str, Field(min_length=1, max_length=names.MAX_DATABASE_BYTES)]


class _Spec(BaseModel):
    """Every model of ours: camelCase outside, no unknown field (none is accepted and ignored), immutable."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_alias=True, extra="forbid", frozen=True, arbitrary_types_allowed=False
    )


class ServerRef(_Spec):
    """Which PostgresServer; without a namespace, the resource's own."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    namespace: Annotated[str, Field(min_length=1, max_length=63)] | None = None


class LiteLLMTarget(_Spec):
    """The schema that is asked for: by LiteLLM's release, or by its bundle."""

    version: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    bundle: Annotated[str, Field(min_length=1, max_length=32)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.version is None) == (self.bundle is None):
            raise ValueError("exactly one of version and bundle must be set")
        return self


class PublishedSecret(_Spec):
    """The Secret that is published."""

    name: ObjectName | None = None
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict[LabelKey, LabelValue], max_length=32)
    annotations: dict[LabelKey, AnnotationValue] = Field(default_factory=dict[LabelKey, AnnotationValue], max_length=32)
    keys: dict[SecretKey, Template] = Field(default_factory=dict[SecretKey, Template], max_length=32)
    """Further keys; model/templates.py says what a template is."""


class Credentials(_Spec):
    """The runtime logins."""

    connection_limit: Annotated[int, Field(ge=1, le=10_000)] | None = None


class PodTemplate(_Spec):
    """What an administrator may ask of the migration pod; never command, env, volumes or service account."""

    labels: dict[str, str] = Field(default_factory=dict, max_length=32)
    annotations: dict[str, str] = Field(default_factory=dict, max_length=32)
    node_selector: dict[str, str] = Field(default_factory=dict, max_length=32)
    tolerations: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]], max_length=16)
    affinity: dict[str, Any] | None = None
    priority_class_name: ObjectName | None = None
    image_pull_secrets: list[dict[str, str]] = Field(default_factory=list[dict[str, str]], max_length=8)
    resources: dict[str, Any] | None = None


class Preview(LiteLLMTarget):
    """A target that is planned for, and not gone to."""


class Migration(_Spec):
    """What a migration may do without asking, and how its Job runs."""

    policy: Policy = Policy.SAFE
    approved_plan: Annotated[str, Field(max_length=71, pattern=r"^sha256:[0-9a-f]{64}$")] | None = None
    """The digest of a plan that passes whatever the policy."""
    preview: Preview | None = None
    engine: Engine = Engine.DIRECT
    deadline: Annotated[int, Field(ge=30, le=86_400)] = DEFAULT_DEADLINE_SECONDS
    """Seconds."""
    pod_template: PodTemplate = PodTemplate()


class LiteLLMDatabaseSpec(_Spec):
    """spec of a LiteLLMDatabase."""

    server_ref: ServerRef | None = None
    database: DatabaseLength | None = None
    schema_: SchemaName = Field(
        default=SchemaName("public"), validation_alias=AliasChoices("schema"), min_length=1, max_length=63
    )
    litellm: LiteLLMTarget
    secret: PublishedSecret = PublishedSecret()
    credentials: Credentials = Credentials()
    migration: Migration = Migration()
    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    suspend: bool = False


class SecretKeys(_Spec):
    """Where an admin Secret has what; the defaults are those of most tools."""

    username: Annotated[str, Field(min_length=1, max_length=253)] = "username"
    password: Annotated[str, Field(min_length=1, max_length=253)] = "password"


class AdminSecretRef(_Spec):
    """The Secret with the admin's login, in the server's own namespace."""

    name: ObjectName
    keys: SecretKeys = SecretKeys()


class CaSecretRef(_Spec):
    """The Secret with the server's CA, in the server's own namespace."""

    name: ObjectName
    key: Annotated[str, Field(min_length=1, max_length=253)] = "ca.crt"


class Tls(_Spec):
    """How the connection is protected."""

    mode: Literal["disable", "require", "verify-full"] | None = None
    ca_secret_ref: CaSecretRef | None = None

    def effective_mode(self) -> Literal["disable", "require", "verify-full"]:
        """Return the mode: verify-full once a CA is given, else require, unless said otherwise."""
        return self.mode or ("verify-full" if self.ca_secret_ref else "require")


class External(_Spec):
    """A server that somebody else runs."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65_535)] = 5432
    database: Annotated[str, Field(min_length=1, max_length=63)] = "postgres"
    """The maintenance database, where the admin works."""
    admin_secret_ref: AdminSecretRef
    tls: Tls = Tls()


class Resources(_Spec):
    """What a container asks for and may use; quantities as Kubernetes has them."""

    requests: dict[str, int | str] = Field(default_factory=dict, max_length=8)
    limits: dict[str, int | str] = Field(default_factory=dict, max_length=8)


class Embedded(_Spec):
    """A single-node PostgreSQL that the operator runs."""

    version: Literal["16"] = "16"
    storage: Annotated[str, Field(max_length=32)] = "10Gi"
    storage_class: Annotated[str, Field(max_length=253)] | None = None
    """Empty for none; None for the cluster's default."""
    resources: Resources | None = None


class Requirement(_Spec):
    """What must be so of one label."""

    key: LabelKey
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: list[str] = Field(default_factory=list, max_length=32)


class LabelSelector(_Spec):
    """Labels that something must have, as Kubernetes selects; planning/namespaces.py compares."""

    match_labels: dict[LabelKey, LabelValue] = Field(default_factory=dict[LabelKey, LabelValue], max_length=16)
    match_expressions: list[Requirement] = Field(default_factory=list[Requirement], max_length=16)


class AllowedNamespaces(_Spec):
    """Whose LiteLLMDatabases may use the server."""

    from_: Literal["Same", "All", "Selector"] = Field(default="Same", validation_alias=AliasChoices("from"))
    selector: LabelSelector | None = None

    @model_validator(mode="after")
    def _selector_where_it_is_asked(self) -> Self:
        if (self.from_ == "Selector") != (self.selector is not None):
            raise ValueError("selector must be set with from: Selector, and only then")
        return self


class Limits(_Spec):
    """What protects the server from its users."""

    databases_per_namespace: Annotated[int, Field(ge=1, le=10_000)] | None = None
    connections_per_database: Annotated[int, Field(ge=1, le=10_000)] | None = None
    concurrent_migrations: Annotated[int, Field(ge=1, le=64)] = DEFAULT_CONCURRENT_MIGRATIONS


class PostgresServerSpec(_Spec):
    """spec of a PostgresServer."""

    external: External | None = None
    embedded: Embedded | None = None
    allowed_namespaces: AllowedNamespaces = AllowedNamespaces()
    limits: Limits = Limits()
    deletion_policy: Literal["Retain", "Delete"] = "Retain"

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.external is None) == (self.embedded is None):
            raise ValueError("exactly one of external and embedded must be set")
        return self


class Metadata(BaseModel):
    """The part of metadata that decisions are made of."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_alias=True, extra="ignore", frozen=True)

    name: str
    namespace: str
    uid: str
    generation: int = 1
    deletion_timestamp: str | None = None
    annotations: dict[str, str] = Field(default_factory=dict)


class LiteLLMDatabase(BaseModel):
    """One LiteLLMDatabase, with the names that follow from it."""

    model_config = ConfigDict(frozen=True)

    metadata: Metadata
    spec: LiteLLMDatabaseSpec

    @property
    def database(self) -> DatabaseName:
        """Its database."""
        given = self.spec.database
        meta = self.metadata
        return DatabaseName(given) if given else names.database_name(namespace=meta.namespace, name=meta.name)

    @property
    def roles(self) -> names.RoleNames:
        """The roles of its database."""
        return names.role_names(self.database)

    @property
    def secret_name(self) -> str:
        """The Secret that is published."""
        return self.spec.secret.name or names.published_secret(self.metadata.name)

    @property
    def ca_secret_name(self) -> str:
        """The Secret with the server's CA, where it has one."""
        return names.ca_secret(self.secret_name)

    @property
    def retry(self) -> str:
        """The value of the retry annotation, empty without one."""
        return self.metadata.annotations.get(names.RETRY_ANNOTATION, "")

    @property
    def going(self) -> bool:
        """It is being deleted."""
        return self.metadata.deletion_timestamp is not None


class PostgresServer(BaseModel):
    """One PostgresServer."""

    model_config = ConfigDict(frozen=True)

    metadata: Metadata
    spec: PostgresServerSpec

    @property
    def key(self) -> str:
        """namespace/name: what it is known by in memory, in Jobs and in messages."""
        return f"{self.metadata.namespace}/{self.metadata.name}"

    @property
    def going(self) -> bool:
        """It is being deleted."""
        return self.metadata.deletion_timestamp is not None

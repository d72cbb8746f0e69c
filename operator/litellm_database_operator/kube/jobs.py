"""The migration Job: everything about its pod that a tenant's namespace must not decide."""

from collections.abc import Mapping
from typing import Any, Final

from kubernetes.aio.client import (
    V1Affinity,
    V1Capabilities,
    V1Container,
    V1EmptyDirVolumeSource,
    V1EnvVar,
    V1Job,
    V1JobSpec,
    V1LocalObjectReference,
    V1ObjectMeta,
    V1PodFailurePolicy,
    V1PodFailurePolicyOnPodConditionsPattern,
    V1PodFailurePolicyRule,
    V1PodSecurityContext,
    V1PodSpec,
    V1PodTemplateSpec,
    V1ResourceRequirements,
    V1SeccompProfile,
    V1SecretVolumeSource,
    V1SecurityContext,
    V1Toleration,
    V1Volume,
    V1VolumeMount,
)
from pydantic import ValidationError

from litellm_database_operator.errors import InvalidSpecError
from litellm_database_operator.kube.objects import Owner, database_labels, owned
from litellm_database_operator.model import names
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import PodTemplate
from litellm_database_operator.planning.steps import StartMigration

CREDENTIALS_PATH: Final = "/etc/litellmdb/migrator"
_COMPONENT: Final = "migrator"
_COMMAND: Final = ("python3", "-m", "litellm_database_operator.migrator")
_FENCE_SECONDS: Final = 120
"""What the migrator has, past its own deadline, to end its work and to report."""
_READABLE_BY_ANY_USER: Final = 0o444
"""The pod may run as any uid, and without an fsGroup the files belong to root."""
_MEMORY_DIRECTORIES: Final = {"cache": ("/app/cache", "128Mi"), "migrations": ("/app/migrations", "64Mi")}
_TEMPORARY: Final = {"tmp": ("/tmp", "64Mi")}  # noqa: S108 - the pod's own
_DEFAULT_RESOURCES: Final[Mapping[str, Any]] = {
    "requests": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "16Mi"},
    # what the directories in memory hold counts as the container's
    "limits": {"memory": "640Mi", "ephemeral-storage": "128Mi"},
}


def migration_job(*, step: StartMigration, owner: Owner, image: str, pull_policy: str | None = None) -> V1Job:
    """Build the Job that brings one database to one bundle; InvalidSpecError when its podTemplate cannot be."""
    try:
        template = _pod_template(step, owner, image, pull_policy)
    except ValidationError as error:
        raise _invalid(error) from error
    annotations = {
        names.TARGET_ANNOTATION: step.target,
        names.LEDGER_ANNOTATION: step.ledger,
        names.RETRY_OF_ANNOTATION: step.retry,
        names.MODE_ANNOTATION: str(step.mode),
        names.GATE_ANNOTATION: step.gate,
        names.PROOF_ANNOTATION: step.proof,
        names.TEMPLATE_ANNOTATION: step.template,
        names.ON_SERVER_ANNOTATION: step.server,
    }
    meta = owned(step.job, owner, annotations=annotations)
    return V1Job(
        api_version="batch/v1",
        kind="Job",
        metadata=meta,
        spec=V1JobSpec(
            backoff_limit=0,
            active_deadline_seconds=step.deadline + _FENCE_SECONDS,
            pod_failure_policy=_ignore_disruptions(),
            pod_replacement_policy="Failed",
            template=template,
        ),
    )


def _invalid(error: ValidationError) -> InvalidSpecError:
    told = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False))
    return InvalidSpecError(Reason.INVALID_SPEC, f"cannot use spec.migration.podTemplate: {told}")


def _ignore_disruptions() -> V1PodFailurePolicy:
    """A drained node is no failed migration: its pod is made anew, and backoffLimit does not count it."""
    disrupted = V1PodFailurePolicyOnPodConditionsPattern(type="DisruptionTarget", status="True")
    return V1PodFailurePolicy(rules=[V1PodFailurePolicyRule(action="Ignore", on_pod_conditions=[disrupted])])


def _pod_template(step: StartMigration, owner: Owner, image: str, pull_policy: str | None) -> V1PodTemplateSpec:
    asked = step.pod_template
    labels = database_labels(owner.name) | {names.COMPONENT_LABEL: _COMPONENT}
    return V1PodTemplateSpec(
        metadata=V1ObjectMeta(labels={**asked.labels, **labels}, annotations=asked.annotations or None),
        spec=V1PodSpec(
            containers=[_container(step, image, pull_policy)],
            volumes=_volumes(owner),
            restart_policy="Never",
            termination_grace_period_seconds=30,
            automount_service_account_token=False,
            enable_service_links=False,
            security_context=V1PodSecurityContext(
                run_as_non_root=True, seccomp_profile=V1SeccompProfile(type="RuntimeDefault")
            ),
            **_scheduling(asked),
        ),
    )


def _scheduling(asked: PodTemplate) -> dict[str, Any]:
    return {
        "node_selector": asked.node_selector or None,
        "tolerations": [V1Toleration.model_validate(item) for item in asked.tolerations] or None,
        "affinity": None if asked.affinity is None else V1Affinity.model_validate(asked.affinity),
        "priority_class_name": asked.priority_class_name,
        "image_pull_secrets": [V1LocalObjectReference.model_validate(item) for item in asked.image_pull_secrets]
        or None,
    }


def _container(step: StartMigration, image: str, pull_policy: str | None) -> V1Container:
    mounts = [V1VolumeMount(name="credentials", mount_path=CREDENTIALS_PATH, read_only=True)]
    for name, (path, _) in (_MEMORY_DIRECTORIES | _TEMPORARY).items():
        mounts.append(V1VolumeMount(name=name, mount_path=path))
    return V1Container(
        name=_COMPONENT,
        image=image,
        image_pull_policy=pull_policy,
        command=list(_COMMAND),
        env=_environment(step),
        resources=V1ResourceRequirements.model_validate(_quantities(step.pod_template.resources or _DEFAULT_RESOURCES)),
        security_context=locked_down(),
        termination_message_path="/dev/termination-log",
        termination_message_policy="File",
        volume_mounts=mounts,
    )


def _quantities(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return resources with every quantity a text: YAML reads `cpu: 1` as a number, the typed model takes none."""
    texts = {key: _texts(resources[key]) for key in ("requests", "limits") if key in resources}
    return dict(resources) | texts


def _texts(quantities: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in quantities.items()}


def _environment(step: StartMigration) -> list[V1EnvVar]:
    """Name what the run is for; everything secret comes as files."""
    values = {
        "LITELLMDB_JOB": step.job,
        "LITELLMDB_BUNDLE": step.bundle,
        "LITELLMDB_TARGET": step.target,
        "LITELLMDB_LEDGER": step.ledger,
        "LITELLMDB_MODE": str(step.mode),
        "LITELLMDB_POLICY": str(step.policy),
        "LITELLMDB_APPROVED": step.approved or "",
        "LITELLMDB_MIGRATION_ENGINE": str(step.engine),
        "LITELLMDB_DEADLINE": str(step.deadline),
    }
    return [V1EnvVar(name=name, value=value) for name, value in values.items()]


def _volumes(owner: Owner) -> list[V1Volume]:
    secret = V1SecretVolumeSource(
        secret_name=names.migrator_secret(owner.name), default_mode=_READABLE_BY_ANY_USER, optional=False
    )
    volumes = [V1Volume(name="credentials", secret=secret)]
    for name, (_, size) in (_MEMORY_DIRECTORIES | _TEMPORARY).items():
        volumes.append(V1Volume(name=name, empty_dir=V1EmptyDirVolumeSource(medium="Memory", size_limit=size)))
    return volumes


def locked_down() -> V1SecurityContext:
    """Return what PodSecurity's `restricted` asks of a container, and a root that cannot be written.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    """
    return V1SecurityContext(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        run_as_non_root=True,
        capabilities=V1Capabilities(drop=["ALL"]),
        seccomp_profile=V1SeccompProfile(type="RuntimeDefault"),
    )

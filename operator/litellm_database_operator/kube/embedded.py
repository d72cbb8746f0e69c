"""The single-node PostgreSQL that the operator runs for `spec.embedded`.

Nothing here has an ownerReference: deleting the PostgresServer in the foreground would take its database away
while LiteLLMDatabases still hold on to it. The server's finalizer removes everything, last.
"""

from collections.abc import Collection
from typing import Any, Final

from kubernetes.aio.client import (
    V1Container,
    V1ContainerPort,
    V1EmptyDirVolumeSource,
    V1EnvVar,
    V1ExecAction,
    V1LabelSelector,
    V1LabelSelectorRequirement,
    V1NetworkPolicy,
    V1NetworkPolicyIngressRule,
    V1NetworkPolicyPeer,
    V1NetworkPolicyPort,
    V1NetworkPolicySpec,
    V1ObjectMeta,
    V1PersistentVolumeClaim,
    V1PersistentVolumeClaimSpec,
    V1PodSecurityContext,
    V1PodSpec,
    V1PodTemplateSpec,
    V1Probe,
    V1ResourceRequirements,
    V1SeccompProfile,
    V1SecretVolumeSource,
    V1Service,
    V1ServicePort,
    V1ServiceSpec,
    V1StatefulSet,
    V1StatefulSetPersistentVolumeClaimRetentionPolicy,
    V1StatefulSetSpec,
    V1Volume,
    V1VolumeMount,
    V1VolumeResourceRequirements,
)

from litellm_database_operator.kube.jobs import locked_down
from litellm_database_operator.kube.objects import server_labels
from litellm_database_operator.kube.reading import Json, items, part
from litellm_database_operator.model import names
from litellm_database_operator.model.resource import AllowedNamespaces, Embedded, LabelSelector, Resources

PORT: Final = 5432
_USER: Final = 999
"""uid and gid of postgres in the official image."""
_DATA_PATH: Final = "/var/lib/postgresql/data"
_SECRET_PATH: Final = "/etc/litellmdb/admin"  # noqa: S105 - a folder
_WRITABLE: Final = {"tmp": "/tmp", "run": "/var/run/postgresql"}  # noqa: S108 - the pod's own
_READABLE_BY_GROUP: Final = 0o440
_DEFAULT_RESOURCES: Final = Resources(requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "1Gi"})
_NAMESPACE_NAME_LABEL: Final = "kubernetes.io/metadata.name"


def embedded_host(server: str, namespace: str) -> str:
    """Return the name by which the server is reached from every namespace."""
    return f"{names.embedded(server)}.{namespace}.svc"


def embedded_service(server: str, namespace: str) -> V1Service:
    """Build the Service in front of the server."""
    port = V1ServicePort(name="postgresql", port=PORT, target_port="postgresql")
    return V1Service(
        api_version="v1",
        kind="Service",
        metadata=_meta(server, namespace),
        spec=V1ServiceSpec(type="ClusterIP", selector=server_labels(server), ports=[port]),
    )


def embedded_network_policy(
    server: str,
    namespace: str,
    *,
    operator_namespace: str,
    allowed: AllowedNamespaces,
    users: Collection[str] = (),
) -> V1NetworkPolicy:
    """Build the NetworkPolicy that lets in the operator, the namespaces that may use the server, and `users`.

    Those are namespaces that have a database there, allowed or not any more: narrowing cuts nobody off from data.
    Where all are allowed they are named as well, for the day when not all are.
    """
    operator = V1LabelSelector(match_labels={_NAMESPACE_NAME_LABEL: operator_namespace})
    rules = [_let_in(V1NetworkPolicyPeer(namespace_selector=operator), *_peers(allowed))]
    if users:
        named = V1LabelSelectorRequirement(key=_NAMESPACE_NAME_LABEL, operator="In", values=sorted(users))
        # a rule of its own: users_let_in() reads it
        rules.append(_let_in(V1NetworkPolicyPeer(namespace_selector=V1LabelSelector(match_expressions=[named]))))
    return V1NetworkPolicy(
        api_version="networking.k8s.io/v1",
        kind="NetworkPolicy",
        metadata=_meta(server, namespace),
        spec=V1NetworkPolicySpec(
            pod_selector=V1LabelSelector(match_labels=server_labels(server)), policy_types=["Ingress"], ingress=rules
        ),
    )


def users_let_in(policy: Json) -> frozenset[str]:
    """Return the namespaces that a NetworkPolicy of ours lets in because they have a database."""
    _, *for_users = items(part(policy, "spec"), "ingress") or ({},)
    selectors = [part(peer, "namespaceSelector") for rule in for_users for peer in items(rule, "from")]
    named = [each for selector in selectors for each in items(selector, "matchExpressions")]
    return frozenset(str(name) for each in named for name in each.get("values") or ())


def _let_in(*peers: V1NetworkPolicyPeer) -> V1NetworkPolicyIngressRule:
    return V1NetworkPolicyIngressRule(_from=list(peers), ports=[V1NetworkPolicyPort(port=PORT, protocol="TCP")])


def _peers(allowed: AllowedNamespaces) -> list[V1NetworkPolicyPeer]:
    everything = V1LabelSelector()
    if allowed.from_ == "All":
        return [V1NetworkPolicyPeer(namespace_selector=everything)]
    own = V1NetworkPolicyPeer(pod_selector=everything)
    if allowed.selector is None:
        return [own]
    return [own, V1NetworkPolicyPeer(namespace_selector=_label_selector(allowed.selector))]


def _label_selector(selector: LabelSelector) -> V1LabelSelector:
    expressions = [
        V1LabelSelectorRequirement(key=each.key, operator=each.operator, values=each.values or None)
        for each in selector.match_expressions
    ]
    return V1LabelSelector(match_labels=selector.match_labels or None, match_expressions=expressions or None)


def embedded_stateful_set(server: str, namespace: str, *, image: str, asked: Embedded) -> V1StatefulSet:
    """Build the StatefulSet: one replica, whose claim outlives it."""
    return V1StatefulSet(
        api_version="apps/v1",
        kind="StatefulSet",
        metadata=_meta(server, namespace),
        spec=V1StatefulSetSpec(
            replicas=1,
            service_name=names.embedded(server),
            selector=V1LabelSelector(match_labels=server_labels(server)),
            persistent_volume_claim_retention_policy=V1StatefulSetPersistentVolumeClaimRetentionPolicy(
                when_deleted="Retain", when_scaled="Retain"
            ),
            template=V1PodTemplateSpec(
                metadata=V1ObjectMeta(labels=server_labels(server)), spec=_pod(server, image, asked)
            ),
            volume_claim_templates=[_claim(server, asked)],
        ),
    )


def _meta(server: str, namespace: str) -> V1ObjectMeta:
    return V1ObjectMeta(name=names.embedded(server), namespace=namespace, labels=server_labels(server))


def _claim(server: str, asked: Embedded) -> V1PersistentVolumeClaim:
    return V1PersistentVolumeClaim(
        metadata=V1ObjectMeta(name="data", labels=server_labels(server)),
        spec=V1PersistentVolumeClaimSpec(
            access_modes=["ReadWriteOnce"],
            # empty is no class, and none at all the cluster's default one
            storage_class_name=asked.storage_class,
            resources=V1VolumeResourceRequirements(requests={"storage": asked.storage}),
        ),
    )


def _pod(server: str, image: str, asked: Embedded) -> V1PodSpec:
    secret = V1SecretVolumeSource(
        secret_name=names.embedded_admin_secret(server), default_mode=_READABLE_BY_GROUP, optional=False
    )
    volumes = [V1Volume(name="admin", secret=secret)]
    volumes += [V1Volume(name=name, empty_dir=V1EmptyDirVolumeSource(size_limit="64Mi")) for name in _WRITABLE]
    return V1PodSpec(
        containers=[_postgres(image, asked.resources)],
        volumes=volumes,
        termination_grace_period_seconds=60,
        automount_service_account_token=False,
        enable_service_links=False,
        security_context=V1PodSecurityContext(
            run_as_non_root=True,
            run_as_user=_USER,
            run_as_group=_USER,
            fs_group=_USER,
            fs_group_change_policy="OnRootMismatch",
            seccomp_profile=V1SeccompProfile(type="RuntimeDefault"),
        ),
    )


def _postgres(image: str, asked: Resources | None) -> V1Container:
    mounts = [
        V1VolumeMount(name="data", mount_path=_DATA_PATH),
        V1VolumeMount(name="admin", mount_path=_SECRET_PATH, read_only=True),
        *(V1VolumeMount(name=name, mount_path=path) for name, path in _WRITABLE.items()),
    ]
    return V1Container(
        name="postgres",
        image=image,
        env=[
            # below the mount: a volume's own lost+found keeps initdb away from its top
            V1EnvVar(name="PGDATA", value=f"{_DATA_PATH}/pgdata"),
            V1EnvVar(name="POSTGRES_PASSWORD_FILE", value=f"{_SECRET_PATH}/password"),
        ],
        ports=[V1ContainerPort(name="postgresql", container_port=PORT)],
        resources=_resources(asked or _DEFAULT_RESOURCES),
        security_context=locked_down(),
        volume_mounts=mounts,
        startup_probe=_probe(period_seconds=2, failure_threshold=150),
        readiness_probe=_probe(period_seconds=5, failure_threshold=3),
        liveness_probe=_probe(period_seconds=10, failure_threshold=6),
    )


def _resources(asked: Resources) -> V1ResourceRequirements:
    """Return resources with every quantity a text: YAML reads `cpu: 1` as a number, the typed model takes none."""
    requests = {name: str(value) for name, value in asked.requests.items()}
    limits = {name: str(value) for name, value in asked.limits.items()}
    return V1ResourceRequirements(requests=requests or None, limits=limits or None)


def _probe(**rhythm: Any) -> V1Probe:
    """Ask over TCP: the server that initdb's scripts start listens on its socket only, and is no server yet."""
    command = ["pg_isready", "--quiet", "--host=127.0.0.1", f"--port={PORT}", "--username=postgres"]
    return V1Probe(_exec=V1ExecAction(command=command), timeout_seconds=5, **rhythm)

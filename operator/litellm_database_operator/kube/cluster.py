"""The objects around a resource, at the API server: what reconcile/ looks at and changes.

404 becomes None, a refusal and a silence become UnavailableError; nobody above sees a status code. What a
resource itself gets from us (finalizer, status, Events) is in resources.py.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel

from litellm_database_operator.errors import NotOursError, UnavailableError
from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.api import MERGE_PATCH, STRATEGIC_PATCH, Api
from litellm_database_operator.kube.api_errors import ApiStatusError, explained
from litellm_database_operator.kube.effects import Effects, undisturbed
from litellm_database_operator.kube.kinds import Body, Kind, uid_of
from litellm_database_operator.kube.likeness import covers
from litellm_database_operator.kube.objects import database_labels, to_json
from litellm_database_operator.kube.reading import Json, is_going, labels
from litellm_database_operator.model import names
from litellm_database_operator.model.observed import NamespaceFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import clean
from litellm_database_operator.model.secret_metadata import KEEPING_ALL, SecretMetadata

_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})
"""To a delete: it is not there, or what is there has another uid."""


class Cluster:
    """Looks at and changes objects; its methods raise UnavailableError, whose message names the object."""

    def __init__(self, api: Api, *, effects: Effects = undisturbed) -> None:
        """Speak through `api`; every write happens inside one of `effects`."""
        self._api = api
        self._effects = effects

    async def fetch(self, kind: Kind, namespace: str, name: str) -> Body | None:
        """Return an object, or None."""
        with explained(f"read {kind.name} {namespace}/{name}"):
            return await self._api.fetch(kind.path(namespace, name))

    async def fetch_secret(self, namespace: str, name: str) -> Body | None:
        """Return a Secret, or None."""
        return await self.fetch(kinds.SECRET, namespace, name)

    async def fetch_namespace(self, namespace: str) -> NamespaceFacts:
        """Return what a namespace is; not remembered, as a namesake has another uid, and labels change."""
        body = await self._fetch_namespace(namespace)
        if body is None:
            raise UnavailableError(Reason.DELETING, f"cannot read Namespace {namespace}: it is gone")
        return NamespaceFacts(uid=uid_of(body), labels=labels(body))

    async def fetch_namespace_uid(self, namespace: str) -> str:
        """Return a namespace's uid."""
        return (await self.fetch_namespace(namespace)).uid

    async def is_namespace_going(self, namespace: str) -> bool:
        """Tell whether a namespace is being deleted, or gone."""
        body = await self._fetch_namespace(namespace)
        return body is None or is_going(body)

    async def create_secret(self, body: BaseModel | Body) -> Body:
        """Create a Secret; one that is there already is UnavailableError: the next pass looks whose it is."""
        return await self._create(kinds.SECRET, body)

    async def replace_secret(self, body: BaseModel | Body, *, dropping: SecretMetadata = KEEPING_ALL) -> Body:
        """Give a Secret that is ours the content of `body`, where its resourceVersion is still that of `body`.

        A patch, so that update on Secrets need not be granted; others' labels and annotations stay, but for those
        that `dropping` names.
        https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
        """
        wanted = _json(body)
        wanted["data"] = {"$patch": "replace", **wanted["data"]}
        _drop(wanted["metadata"], "labels", dropping.dropped_labels)
        _drop(wanted["metadata"], "annotations", dropping.dropped_annotations)
        return await self._patch(kinds.SECRET, wanted, STRATEGIC_PATCH)

    async def delete_secret(self, namespace: str, name: str, *, uid: str) -> None:
        """Delete the Secret of that uid; one that is gone, or another by now, is fine."""
        await self.delete(kinds.SECRET, namespace, name, uid=uid)

    async def list_jobs(self, namespace: str, database_name: str) -> list[Body]:
        """Return the migration Jobs of a LiteLLMDatabase."""
        return await self._list(kinds.JOB, namespace, database_name)

    async def list_all_jobs(self, namespace: str | None) -> list[Body]:
        """Return the migration Jobs of all LiteLLMDatabases, in one namespace or everywhere."""
        selector = f"{names.MANAGED_BY_LABEL}={names.MANAGED_BY},{names.DATABASE_LABEL}"
        with explained("list Jobs"):
            path = kinds.JOB.path(namespace)
            found = await self._api.request("GET", path, query={"labelSelector": selector})
        return found["items"]

    async def list_pods(self, namespace: str, database_name: str) -> list[Body]:
        """Return the pods of the migration Jobs of a LiteLLMDatabase."""
        return await self._list(kinds.POD, namespace, database_name)

    async def fetch_failed_create(self, namespace: str, job_uid: str) -> str | None:
        """Return why the Job controller could make no pod, in the cluster's words; None when it does not say.

        Only an Event has it: the Job itself stays as it is while quota or admission refuse its pod.
        """
        selector = f"involvedObject.uid={job_uid},reason=FailedCreate"
        with explained(f"list Events in {namespace}"):
            found = await self._api.request("GET", kinds.EVENT.path(namespace), query={"fieldSelector": selector})
        newest = max(found["items"], key=_last_seen, default=None)
        return None if newest is None else clean(str(newest.get("message") or newest["reason"]))

    async def create_job(self, body: BaseModel | Body) -> None:
        """Create a Job; one that is there already is fine: its name says what it is for."""
        await self._create_unless_there(kinds.JOB, body)

    async def delete_job(self, namespace: str, name: str) -> None:
        """Delete a Job, and its pod after it; one that is gone is fine."""
        await self.delete(kinds.JOB, namespace, name)

    async def ensure(self, kind: Kind, body: BaseModel | Body) -> Body:
        """Create an object of an embedded server, or bring it back to `body`; NotOursError when it is another's.

        What others set beside it, and what the API server fills in, stays.
        """
        meta = _json(body)["metadata"]
        return await self.bring(kind, body, await self.fetch(kind, meta["namespace"], meta["name"]))

    async def bring(self, kind: Kind, body: BaseModel | Body, found: Body | None) -> Body:
        """Do the same to what was just fetched, None where there is nothing yet."""
        wanted = _json(body)
        meta = wanted["metadata"]
        if found is None:
            return await self._create(kind, wanted)
        if not _same_labels(found, wanted):
            raise NotOursError(
                Reason.OBJECT_NOT_OURS,
                f"cannot use {kind.name} {meta['namespace']}/{meta['name']}: it exists and is not labelled as "
                f"{names.SERVER_LABEL}={meta['labels'][names.SERVER_LABEL]}; delete or rename it",
            )
        changeable = _without_claims(wanted)
        return found if covers(found, changeable) else await self._patch(kind, changeable, MERGE_PATCH)

    async def remove(self, kind: Kind, namespace: str, name: str, *, bearing: Mapping[str, str]) -> None:
        """Delete an object that bears these labels; one that does not is somebody else's, and stays."""
        found = await self.fetch(kind, namespace, name)
        if found is not None and bearing.items() <= labels(found).items():
            await self.delete(kind, namespace, name, uid=uid_of(found))

    async def delete(self, kind: Kind, namespace: str, name: str, *, uid: str | None = None) -> None:
        """Delete an object, of that uid if given; one that is gone, or another by now, is fine."""
        options: Body = {"propagationPolicy": "Background"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        async with self._writing("delete", kind, namespace, name):
            try:
                await self._api.request("DELETE", kind.path(namespace, name), body=options)
            except ApiStatusError as error:
                if error.code not in _GONE:
                    raise

    async def _fetch_namespace(self, namespace: str) -> Body | None:
        with explained(f"read Namespace {namespace}"):
            return await self._api.fetch(kinds.NAMESPACE.path(None, namespace))

    async def _list(self, kind: Kind, namespace: str, database_name: str) -> list[Body]:
        selector = ",".join(f"{key}={value}" for key, value in database_labels(database_name).items())
        with explained(f"list {kind.name}s in {namespace}"):
            found = await self._api.request("GET", kind.path(namespace), query={"labelSelector": selector})
        return found["items"]

    async def _create(self, kind: Kind, body: BaseModel | Body) -> Body:
        wanted = _json(body)
        namespace, name = wanted["metadata"]["namespace"], wanted["metadata"]["name"]
        async with self._writing("create", kind, namespace, name):
            return await self._api.request("POST", kind.path(namespace), body=wanted)

    async def _create_unless_there(self, kind: Kind, body: BaseModel | Body) -> None:
        wanted = _json(body)
        namespace, name = wanted["metadata"]["namespace"], wanted["metadata"]["name"]
        async with self._writing("create", kind, namespace, name):
            try:
                await self._api.request("POST", kind.path(namespace), body=wanted)
            except ApiStatusError as error:
                if error.code != HTTPStatus.CONFLICT:
                    raise

    async def _patch(self, kind: Kind, wanted: Body, content_type: str) -> Body:
        namespace, name = wanted["metadata"]["namespace"], wanted["metadata"]["name"]
        async with self._writing("patch", kind, namespace, name):
            path = kind.path(namespace, name)
            return await self._api.request("PATCH", path, body=wanted, content_type=content_type)

    @asynccontextmanager
    async def _writing(self, verb: str, kind: Kind, namespace: str, name: str) -> AsyncGenerator[None]:
        action = f"{verb} {kind.name} {namespace}/{name}"
        async with self._effects(action):
            with explained(action):
                yield


def _without_claims(wanted: Body) -> Body:
    """Leave out what nobody can change, and what the API server writes in a form of its own (1024Mi as 1Gi)."""
    spec: Body = wanted.get("spec") or {}
    if "volumeClaimTemplates" not in spec:
        return wanted
    return {**wanted, "spec": {key: value for key, value in spec.items() if key != "volumeClaimTemplates"}}


def _drop(metadata: Body, part: str, keys: Iterable[str]) -> None:
    """Name the keys that a patch removes, as null."""
    if gone := dict.fromkeys(keys):
        metadata[part] = {**metadata.get(part, {}), **gone}


def _json(body: BaseModel | Body) -> Body:
    return to_json(body) if isinstance(body, BaseModel) else dict(body)


def _last_seen(event: Json) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])


def _same_labels(found: Body, wanted: Body) -> bool:
    return labels(found).items() >= labels(wanted).items()

"""Answers requests without a socket: paths, verbs and injected faults."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from ksm_shard.simulator import discovery, errors, lists, openapi, scales
from ksm_shard.simulator.admin import Admin
from ksm_shard.simulator.bodies import Request, grace, patch_of, read
from ksm_shard.simulator.catalogue import Catalogue
from ksm_shard.simulator.errors import ApiError
from ksm_shard.simulator.faults import Faults
from ksm_shard.simulator.formats import JSON, choose
from ksm_shard.simulator.objects import Objects, Stored
from ksm_shard.simulator.resources import BUILT_IN, ServedResource
from ksm_shard.simulator.reviews import ACCESS_REVIEW, TOKEN_REVIEW, Reviews
from ksm_shard.simulator.selection import Selection
from ksm_shard.simulator.watches import Watch

REASONS: Final = {"429": "TooManyRequests", "500": "InternalError", "503": "ServiceUnavailable"}
HTML: Final = b"<!doctype html><title>Please log in</title>"

Stream = Callable[[Callable[[], bool]], Iterator[bytes]]


@dataclass(slots=True)
class Answer:
    """An HTTP answer: a body, or for a watch a stream.

    `stream` takes a function and yields bytes as long as the function returns True.
    """

    code: int
    content_type: str
    body: bytes = b""
    stream: Stream | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    resource: str = ""


class SimulatedApi:
    """The behaviour of the API server: takes a Request and returns an Answer."""

    def __init__(
        self,
        objects: Objects,
        catalogue: Catalogue,
        faults: Faults,
        reviews: Reviews,
        *,
        sharded: bool,
        bookmarks: float,
    ) -> None:
        """Take the state of the server.

        Args:
            objects: all objects.
            catalogue: the served resources.
            faults: the injected faults.
            reviews: the known tokens.
            sharded: enables ShardedListAndWatch.
            bookmarks: seconds between the bookmarks of a watch.
        """
        self._objects = objects
        self._catalogue = catalogue
        self._faults = faults
        self._reviews = reviews
        self._admin = Admin(objects, faults, reviews)
        self._sharded = sharded
        self._bookmarks = bookmarks

    def answer(self, request: Request) -> Answer:
        """Answer a request; a failure is an answer with a Status object."""
        try:
            return self._route(request)
        except ApiError as failure:
            body, content_type = json.dumps(failure.status).encode(), JSON
            if "protobuf" in request.accept:
                written = choose(request.accept.partition(";")[0], BUILT_IN[0], {}, many=False)
                body, content_type = written.failure(failure.status), written.content_type
            return Answer(failure.code, content_type, body, headers=failure.headers)

    def _route(self, request: Request) -> Answer:
        path = request.path.rstrip("/")
        if path in {"/readyz", "/livez", "/healthz"}:
            return Answer(200, "text/plain; charset=utf-8", b"ok")
        if path == "/version":
            return _json(discovery.VERSION)
        if (described := openapi.document(path, self._catalogue.served())) is not None:
            return _json(described)
        if path.startswith("/admin/"):
            return _json(self._admin.answer(request.method, path, request.json() if request.body else {}))
        if path in {TOKEN_REVIEW, ACCESS_REVIEW} and request.method == "POST":
            return _json(self._reviews.answer(path, request.json()), 201)
        aggregated = "APIGroupDiscoveryList" in request.accept and "v=v2" in request.accept.replace("v2beta1", "")
        found = discovery.document(path, self._catalogue.served(), aggregated=aggregated)
        if found is not None and request.method == "GET":
            return _json(found, content_type=discovery.AGGREGATED if found["kind"] == "APIGroupDiscoveryList" else JSON)
        return self._resource(request, path)

    def _resource(self, request: Request, path: str) -> Answer:
        """Answer a request for /api/v1 or /apis/GROUP/VERSION, then [/namespaces/NAMESPACE]/PLURAL[/NAME[/status or /scale]]."""
        match path.split("/")[1:]:
            case ["api", version, *rest]:
                group = ""
            case ["apis", group, version, *rest]:
                pass
            case _:
                group, version, rest = "", "", []
        namespace = ""
        match rest:
            case ["namespaces", first, second, *others] if second != "status":
                namespace, rest = first, [second, *others]
        plural, name, sub, *more = [*rest, "", "", ""]
        # RBAC checks the path first, before it is known whether the resource is served.
        if self._faults.find(plural, "403") is not None:
            raise ApiError(403, "Forbidden", "injected fault 403")
        if not self._catalogue.has(group, version):
            return Answer(404, "text/plain; charset=utf-8", b"404 page not found\n")
        resource = self._catalogue.find(group, version, plural)
        subs = {"", "status"} | ({"scale"} if plural in scales.SCALED else set())
        if resource is None or any(more) or sub not in subs or (namespace and not resource.namespaced):
            raise errors.no_such_resource()
        answer = self._befallen(resource, request.query) or self._verb(request, resource, namespace, name, sub)
        answer.resource = plural
        return answer

    def _befallen(self, resource: ServedResource, query: Mapping[str, str]) -> Answer | None:
        """Return the answer that a fault dictates for this request, or None without such a fault.

        Raises:
            ApiError: the fault is a failure.
        """
        plural = resource.plural
        if (fault := self._faults.find(plural, *REASONS)) is not None:
            wait = {"retryAfterSeconds": fault.retry_after} if fault.fault == "429" else {}
            raise ApiError(int(fault.fault), REASONS[fault.fault], f"injected fault {fault.fault}", **wait)
        if self._faults.find(plural, "content-type") is not None:
            return Answer(200, "text/html", HTML)
        if query.get("continue") and self._faults.find(plural, "410", "expire") is not None:
            raise errors.expired_list()
        resumes = query.get("watch") and query.get("resourceVersion", "0") != "0"
        if resumes and self._faults.find(plural, "410") is not None:
            raise errors.expired_watch(int(query["resourceVersion"]), self._objects.version)
        return None

    def _verb(self, request: Request, resource: ServedResource, namespace: str, name: str, sub: str) -> Answer:
        if sub == "scale":
            return self._scale(request, resource, (namespace, name))
        match request.method, bool(name):
            case "GET", False:
                return self._list_or_watch(request, resource, namespace)
            case "GET", True:
                written = choose(request.accept, resource, request.query, many=False)
                stored = self._objects.get(resource.storage, (namespace, name))
                if stored is None:
                    raise errors.not_found(resource.plural, name)
                return Answer(200, written.content_type, written.one(stored))
            case "POST", False:
                return self._create(request, resource, namespace)
            case (("PUT" | "PATCH"), True):
                return self._change(request, resource, (namespace, name), sub)
            case "DELETE", True:
                marked = self._mark_deleted(request, resource, (namespace, name))
                if marked is not None:
                    return _written(request, resource, marked)
                stored = self._catalogue.delete(resource, (namespace, name))
                if stored is None:
                    raise errors.not_found(resource.plural, name)
                details = {"name": name, "kind": resource.plural, "uid": stored.metadata["uid"]}
                status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
                written = choose(request.accept, resource, request.query, many=False)
                return Answer(200, written.content_type, written.failure(status))
        raise errors.not_allowed()

    def _list_or_watch(self, request: Request, resource: ServedResource, namespace: str) -> Answer:
        query = request.query
        watching = query.get("watch") in {"1", "true"}
        written = choose(request.accept, resource, query, many=not watching)
        selection = Selection(resource, namespace, query, sharded=self._sharded)
        if not watching:
            return Answer(200, written.content_type, lists.page(self._objects, resource, selection, written, query))
        served = partial(self._catalogue.serves, resource)
        watch = Watch(self._objects, self._faults, resource, selection, written, query, served)
        streamed = written.content_type + (";stream=watch" if written.content_type != JSON else "")
        return Answer(200, streamed, stream=lambda wanted: watch.stream(self._bookmarks, wanted))

    def _create(self, request: Request, resource: ServedResource, namespace: str) -> Answer:
        data = read(request, resource)
        meta = data.get("metadata")
        if not isinstance(meta, dict) or not meta.get("name"):
            raise errors.bad_request("name is required")
        if resource.namespaced:
            meta["namespace"] = namespace or meta.get("namespace") or "default"
        meta.setdefault(
            "creationTimestamp", datetime.fromtimestamp(int(time.time()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        )
        key = (meta.get("namespace", ""), meta["name"])
        with self._objects.lock:
            if self._objects.get(resource.storage, key) is not None:
                raise errors.exists(resource.plural, meta["name"])
            stored = self._catalogue.put(resource, data)
        return _written(request, resource, stored, 201)

    def _mark_deleted(self, request: Request, resource: ServedResource, key: tuple[str, str]) -> Stored | None:
        """Mark a pod with a node as being deleted.

        Return None for all other objects, which are deleted at once. The kubelet of a marked pod ends the deletion by a second
        DELETE with a grace period of 0.
        """
        given = grace(request)
        with self._objects.lock:
            old = self._objects.get(resource.storage, key)
            spec = old.data.get("spec") or {} if old is not None and resource.plural == "pods" else {}
            seconds = spec.get("terminationGracePeriodSeconds", 30) if given is None else given
            if old is None or not spec.get("nodeName") or seconds == 0:
                return None
            ending = datetime.fromtimestamp(int(time.time()) + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            marks = {"deletionTimestamp": ending, "deletionGracePeriodSeconds": seconds}
            return self._catalogue.put(resource, {**old.data, "metadata": {**old.metadata, **marks}})

    def _change(self, request: Request, resource: ServedResource, key: tuple[str, str], sub: str) -> Answer:
        """Answer PUT and PATCH.

        On /status only the status is changed, elsewhere everything; nothing is validated.
        """
        change = patch_of(request, resource) if request.method == "PATCH" else None
        given = {} if change else read(request, resource)
        head = {"kind": resource.kind, "apiVersion": resource.api_version}
        with self._objects.lock:
            old = self._objects.get(resource.storage, key)
            if old is None:
                raise errors.not_found(resource.plural, key[1])
            new = change({**head, **old.data}) if change else given
            _check_version(resource, old, new)
            new = {name: value for name, value in new.items() if name not in head}
            if sub:
                new = {**old.data, "status": new.get("status")}
            kept = {
                name: old.metadata[name]
                for name in ("name", "namespace", "uid", "creationTimestamp")
                if name in old.metadata
            }
            stored = self._catalogue.put(resource, {**new, "metadata": {**(new.get("metadata") or {}), **kept}})
        return _written(request, resource, stored)

    def _scale(self, request: Request, resource: ServedResource, key: tuple[str, str]) -> Answer:
        """GET, PUT and PATCH of how many replicas there are to be."""
        with self._objects.lock:
            stored = self._objects.get(resource.storage, key)
            if stored is None:
                raise errors.not_found(resource.plural, key[1])
            if request.method in {"PUT", "PATCH"}:
                old = scales.shown(stored)
                new = patch_of(request, resource)(old) if request.method == "PATCH" else request.json()
                _check_version(resource, stored, new)
                stored = self._catalogue.put(resource, scales.scaled(stored, new))
            elif request.method != "GET":
                raise errors.not_allowed()
        return _json(scales.shown(stored))


def _check_version(resource: ServedResource, old: Stored, new: Mapping[str, Any]) -> None:
    """Refuse a change of another version than the last one; one that names none is of any."""
    expected = (new.get("metadata") or {}).get("resourceVersion")
    if expected not in {None, "", old.metadata["resourceVersion"]}:
        raise errors.conflict(resource.plural, old.metadata["name"])


def _written(request: Request, resource: ServedResource, stored: Stored, code: int = 200) -> Answer:
    written = choose(request.accept, resource, request.query, many=False)
    return Answer(code, written.content_type, written.one(stored))


def _json(value: Any, code: int = 200, content_type: str = JSON) -> Answer:
    return Answer(code, content_type, json.dumps(value).encode())

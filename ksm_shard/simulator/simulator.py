"""The simulator as one object, for tests and commands."""

import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from ksm_shard.simulator.api import SimulatedApi
from ksm_shard.simulator.catalogue import Catalogue
from ksm_shard.simulator.faults import Faults
from ksm_shard.simulator.formats import Json
from ksm_shard.simulator.objects import Objects
from ksm_shard.simulator.resources import ServedResource
from ksm_shard.simulator.reviews import Reviews
from ksm_shard.simulator.server import Server


class Simulator:
    """An API server in memory.

    As a context manager it serves on a free port of 127.0.0.1.

    Attributes:
        faults: injects failures.
        reviews: the tokens that TokenReview knows.
        url: base URL; "" while not serving.
    """

    def __init__(
        self,
        objects: Iterable[Mapping[str, Any]] = (),
        *,
        seed: int = 0,
        serve: Iterable[ServedResource] = (),
        sharded: bool = False,
        bookmarks: float = 60.0,
    ) -> None:
        """Take the first objects and the configuration of the server.

        Args:
            objects: JSON objects with apiVersion and kind.
            seed: determines the uids of objects that are put without one.
            serve: resources to serve even without objects, such as USERS.
            sharded: enables ShardedListAndWatch (Kubernetes 1.36, alpha).
            bookmarks: seconds between the bookmarks of a watch.

        Raises:
            ValueError: one of the objects is invalid.
        """
        self._objects = Objects(seed)
        self._catalogue = Catalogue(self._objects, serve)
        self.faults = Faults(self._objects.wake, self._objects.compact)
        self.reviews = Reviews()
        self._api = SimulatedApi(
            self._objects, self._catalogue, self.faults, self.reviews, sharded=sharded, bookmarks=bookmarks
        )
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self.url = ""
        for data in objects:
            self.put(data, keep_version=True)

    def start(self, port: int = 0, host: str = "127.0.0.1") -> str:
        """Start serving and return the URL.

        Raises:
            OSError: the port is taken.
        """
        self._server = Server((host, port), self._api, self.faults)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="simulator")
        self._thread.start()
        self.url = f"http://{host}:{self._server.server_port}"
        return self.url

    def stop(self) -> None:
        """End all streams and threads, within a second."""
        if self._server is not None and self._thread is not None:
            self._server.stop(self._objects.wake)
            self._thread.join()
        self._server = self._thread = None
        self.url = ""

    def __enter__(self) -> Self:
        """Start serving on a free port of 127.0.0.1."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self.stop()

    @property
    def version(self) -> int:
        """The resource version of the whole server."""
        return self._objects.version

    def put(self, data: Mapping[str, Any], *, keep_version: bool = False) -> dict[str, Any]:
        """Create or replace an object, and return it as stored.

        The data are not copied: do not modify them afterwards.

        Args:
            data: the object with apiVersion and kind.
            keep_version: keep the resource version in the data, as is done for the first objects of the simulator.

        Raises:
            ValueError: apiVersion, kind or name is missing.
        """
        resource = self._catalogue.of(data)
        plain = {name: value for name, value in data.items() if name not in {"apiVersion", "kind"}}
        return Json(resource).item(self._catalogue.put(resource, plain, keep_version=keep_version))

    def get(self, plural: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """Return the current object, or None. Do not modify it: put another one."""
        resource = self._find(plural)
        stored = self._objects.get(resource.storage, (namespace, name))
        return Json(resource).item(stored) if stored else None

    def list(self, plural: str) -> list[dict[str, Any]]:
        """Return all objects of a resource, sorted by namespace and name.

        Do not modify them.
        """
        resource = self._find(plural)
        return [Json(resource).item(stored) for stored in self._objects.each(resource.storage)]

    def delete(self, plural: str, name: str, namespace: str = "") -> bool:
        """Delete an object; return whether it existed."""
        return self._catalogue.delete(self._find(plural), (namespace, name)) is not None

    def compact(self) -> None:
        """Drop all history, as etcd does every five minutes.

        Older versions are answered 410 from now on.
        """
        self._objects.compact()

    def back_up(self) -> None:
        """Remember all objects as they are now, like `etcdctl snapshot save`."""
        self._objects.back_up()

    def restore(self) -> None:
        """Restore the remembered objects and cut all watches.

        So does a restore of etcd with a restart of the API server.

        Raises:
            ValueError: nothing was remembered.
        """
        self._objects.restore()
        self.faults.add("drop")

    def serve(self, resource: ServedResource) -> None:
        """Serve one more resource, as after the installation of a CRD."""
        self._catalogue.serve(resource)

    def withdraw(self, plural: str) -> None:
        """Stop serving a resource, as a server of another version would.

        Its objects are kept.
        """
        self._catalogue.withdraw(plural)

    def _find(self, plural: str) -> ServedResource:
        for resource in self._catalogue.served():
            if resource.plural == plural:
                return resource
        raise KeyError(f"no resource {plural!r} is served")

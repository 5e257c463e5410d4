"""The simulator as tests and commands hold it."""

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
    """An API server in memory; as a context manager it serves on a free port of 127.0.0.1.

    Attributes:
        faults: trouble on command, see Faults.
        reviews: the tokens that TokenReview knows.
        url: where it serves, "" while it does not.
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
        """Take objects as JSON (with apiVersion and kind) and resources to serve even while empty, such as USERS.

        `seed` makes the uids of objects that bring none; `sharded` is ShardedListAndWatch (Kubernetes 1.36, alpha);
        `bookmarks` is the seconds between two bookmarks of a watch.

        Raises:
            ValueError: one of the objects is none.
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
        """Serve, and return the URL.

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
        """See `start`."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See `stop`."""
        self.stop()

    @property
    def version(self) -> int:
        """The resource version of the whole server."""
        return self._objects.version

    def put(self, data: Mapping[str, Any], *, keep_version: bool = False) -> dict[str, Any]:
        """Create or replace an object, and return it as stored. It must not be changed afterwards: it is not copied.

        `keep_version` leaves it the resource version that it brings, as the objects that the simulator begins with.

        Raises:
            ValueError: it has no apiVersion, kind or name.
        """
        resource = self._catalogue.of(data)
        plain = {name: value for name, value in data.items() if name not in {"apiVersion", "kind"}}
        return Json(resource).item(self._catalogue.put(resource, plain, keep_version=keep_version))

    def get(self, plural: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """An object as it is now. Do not change it: put another one."""
        resource = self._find(plural)
        stored = self._objects.get(resource.storage, (namespace, name))
        return Json(resource).item(stored) if stored else None

    def list(self, plural: str) -> list[dict[str, Any]]:
        """All objects of a resource, by namespace and name. Do not change them."""
        resource = self._find(plural)
        return [Json(resource).item(stored) for stored in self._objects.each(resource.storage)]

    def delete(self, plural: str, name: str, namespace: str = "") -> bool:
        """Remove an object; tell whether it was there."""
        return self._objects.delete(self._find(plural).storage, (namespace, name)) is not None

    def compact(self) -> None:
        """Forget all history, as etcd does every five minutes: older versions are 410 from now on."""
        self._objects.compact()

    def back_up(self) -> None:
        """Remember everything as it is now, as `etcdctl snapshot save` does."""
        self._objects.back_up()

    def restore(self) -> None:
        """Put back what was remembered and cut all watches, as when etcd was restored and the API server started again.

        Raises:
            ValueError: nothing was remembered.
        """
        self._objects.restore()
        self.faults.add("drop")

    def serve(self, resource: ServedResource) -> None:
        """Offer one more resource, as when a CRD is installed."""
        self._catalogue.serve(resource)

    def withdraw(self, plural: str) -> None:
        """Offer a resource no more, as a server of another version; its objects are kept."""
        self._catalogue.withdraw(plural)

    def _find(self, plural: str) -> ServedResource:
        for resource in self._catalogue.served():
            if resource.plural == plural:
                return resource
        raise KeyError(f"no resource {plural!r} is served")

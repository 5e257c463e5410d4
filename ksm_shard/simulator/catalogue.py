"""The served resources.

These are the built-in ones, those that CRDs declare, and those of any other object that was put.
"""

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ksm_shard.simulator.objects import Key, Objects, Stored
from ksm_shard.simulator.resources import BUILT_IN, ServedResource, defined, guessed, storage_of

CRDS: Final = "customresourcedefinitions"


class Catalogue:
    """The served resources by group, version and plural.

    Putting an object adds its resource. A changed CRD replaces its resources, and a deleted one takes its objects along.
    """

    def __init__(self, objects: Objects, more: Iterable[ServedResource]) -> None:
        """Serve the built-in resources and those in `more`."""
        self._objects = objects
        self._lock = threading.Lock()
        self._resources: dict[tuple[str, str, str], ServedResource] = {}
        for resource in [*BUILT_IN, *more]:
            self.serve(resource)

    def served(self) -> list[ServedResource]:
        """Return all served resources."""
        with self._lock:
            return list(self._resources.values())

    def has(self, group: str, version: str) -> bool:
        """Return whether any resource of a group version is served."""
        return any((resource.group, resource.version) == (group, version) for resource in self.served())

    def find(self, group: str, version: str, plural: str) -> ServedResource | None:
        """Return the resource of a path, or None if it is not served."""
        return self._resources.get((group, version, plural))

    def serve(self, resource: ServedResource) -> None:
        """Serve a resource from now on."""
        with self._lock:
            self._resources[resource.group, resource.version, resource.plural] = resource

    def withdraw(self, plural: str) -> None:
        """Stop serving a resource, as an older server would, and end its watches; its objects are kept."""
        with self._lock:
            self._resources = {key: found for key, found in self._resources.items() if found.plural != plural}
        self._objects.wake()

    def of(self, data: Mapping[str, Any]) -> ServedResource:
        """Return the resource of an object.

        An unknown resource is served from now on.

        Raises:
            ValueError: the data are not an object.
        """
        api_version, kind, meta = data.get("apiVersion"), data.get("kind"), data.get("metadata")
        named = isinstance(meta, Mapping) and isinstance(meta.get("name"), str)
        if not (isinstance(api_version, str) and isinstance(kind, str) and api_version and kind and named):
            raise ValueError("expected an object with apiVersion, kind and metadata.name")
        for resource in self.served():
            if (resource.api_version, resource.kind) == (api_version, kind):
                return resource
        made = guessed(api_version, kind, namespaced="namespace" in data["metadata"])
        self.serve(made)
        return made

    def serves(self, resource: ServedResource) -> bool:
        """Return whether a resource is served as before: its watches end with the next change of its CRD."""
        return self.find(resource.group, resource.version, resource.plural) is resource

    def put(self, resource: ServedResource, data: Mapping[str, Any], *, keep_version: bool = False) -> Stored:
        """Store an object, given without apiVersion and kind.

        A CRD makes its resource served, in the versions that it says.

        Raises:
            ValueError: a CRD lacks names, scope or versions.
        """
        if resource.plural == CRDS:
            self._define(resource, data)
        return self._objects.put(resource.storage, data, keep_version=keep_version)

    def delete(self, resource: ServedResource, key: Key) -> Stored | None:
        """Remove an object and return its last version, or None if it does not exist."""
        deleted = self._objects.delete(resource.storage, key)
        if deleted is not None and resource.plural == CRDS:
            storage = storage_of(deleted.data)
            for one in list(self._objects.each(storage)):
                self._objects.delete(storage, one.key)
            self._replace(storage, [])
        return deleted

    def _define(self, crds: ServedResource, data: Mapping[str, Any]) -> None:
        """Serve the versions of a CRD anew, unless only its status or metadata change."""
        try:
            found = defined(data)
        except (KeyError, TypeError, AttributeError):
            raise ValueError("expected a CRD with spec.group, spec.names, spec.scope and spec.versions") from None
        before = self._objects.get(crds.storage, ("", data["metadata"]["name"]))
        if before is None or before.data["spec"] != data["spec"]:
            self._replace(storage_of(data), found)

    def _replace(self, storage: str, found: Iterable[ServedResource]) -> None:
        """Serve these versions of a custom resource and no others, and end the watches of all former ones."""
        with self._lock:
            others = {key: one for key, one in self._resources.items() if one.storage != storage}
            self._resources = others | {(one.group, one.version, one.plural): one for one in found}
        self._objects.wake()

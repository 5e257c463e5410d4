"""The served resources.

These are the built-in ones, those that CRDs declare, and those of any other object that was put.
"""

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from ksm_shard.simulator.objects import Objects, Stored
from ksm_shard.simulator.resources import BUILT_IN, ServedResource, defined, guessed


class Catalogue:
    """The served resources by group, version and plural.

    Putting an object adds its resource.
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
        """Stop serving a resource, as an older server would; its objects are kept."""
        with self._lock:
            self._resources = {key: found for key, found in self._resources.items() if found.plural != plural}

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

    def put(self, resource: ServedResource, data: Mapping[str, Any], *, keep_version: bool = False) -> Stored:
        """Store an object, given without apiVersion and kind.

        A CRD makes its resource served.

        Raises:
            ValueError: a CRD lacks names, scope or versions.
        """
        if resource.plural == "customresourcedefinitions":
            try:
                for found in defined(data):
                    self.serve(found)
            except (KeyError, TypeError):
                raise ValueError("expected a CRD with spec.group, spec.names, spec.scope and spec.versions") from None
        return self._objects.put(resource.storage, data, keep_version=keep_version)

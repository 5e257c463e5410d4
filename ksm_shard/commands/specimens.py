"""Specimens for `ksm-shard custom validate`: definitions and objects, of directories or of a cluster."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.client import ApiServer
from ksm_shard.cluster.errors import RequestError
from ksm_shard.cluster.samples import definition, first
from ksm_shard.cluster.served import served
from ksm_shard.collector.targets import Scope, targets
from ksm_shard.custom.entries import Entry
from ksm_shard.custom.resolve import Followed, Served, matches, resource_of
from ksm_shard.custom.schemas import ANYTHING, Definition, definitions
from ksm_shard.simulator.objectfiles import read
from ksm_shard.wire.codec import Codec, Raw
from ksm_shard.wire.frames import WireError
from ksm_shard.wire.json import JsonCodec, raw

# Objects of a kind that are read from a cluster: four pages.
OBJECTS: Final = 100

Object = dict[str, Any]
Item = tuple[Codec, Raw]


class Specimens(Protocol):
    """Definitions and objects to hold entries against.

    Attributes:
        problems: why some of them could not be read, a line each.
    """

    problems: list[str]

    def definitions(self, entries: Sequence[Entry]) -> list[Definition] | None:
        """Return the schemas that are known of the kinds of the entries; None where there are none to compare with."""

    def served(self, entries: Sequence[Entry]) -> set[Served] | None:
        """Return the resources that may have objects; None where no objects are given."""

    def objects(self, followed: Followed) -> list[Item]:
        """Return objects of one of these resources."""


class Files:
    """Specimens of directories.

    Attributes:
        problems: none, ever: a file that cannot be read raises.
    """

    def __init__(self, crds: str, objects: str) -> None:
        """Read the directories; "" for none.

        Raises:
            OSError, ValueError: as objectfiles.read.
        """
        self.problems: list[str] = []
        self._compared = bool(crds)
        given = list(_read(objects))
        self._objects = [one for _, one in given]
        self._definitions = [one for place, found in (*_read(crds), *given) for one in _defined(place, found)]

    def definitions(self, entries: Sequence[Entry]) -> list[Definition] | None:
        """Return all definitions."""
        del entries
        return self._definitions if self._compared else None

    def served(self, entries: Sequence[Entry]) -> set[Served] | None:
        """Return the defined resources, and those of other objects."""
        del entries
        if not self._objects:
            return None
        return {one.served for one in self._definitions} | set(_guessed(self._objects, self._definitions))

    def objects(self, followed: Followed) -> list[Item]:
        """Return all objects of a kind, whatever their version."""
        wanted = followed.served.group, followed.served.kind
        return [(JsonCodec(), raw(one)) for one in self._objects if (_group(one), one["kind"]) == wanted]


class Cluster:
    """Specimens of a cluster: one request for each definition, four at most for the objects of a resource.

    Attributes:
        problems: requests that were refused: a line each.
    """

    def __init__(self, server: ApiServer) -> None:
        """Ask discovery.

        Raises:
            RequestError: it does not answer.
        """
        self.problems: list[str] = []
        self._server = server
        self._served = served(server, frozenset(), Call())
        self._known: dict[tuple[str, str], list[Definition]] = {}  # by group and plural

    def definitions(self, entries: Sequence[Entry]) -> list[Definition]:
        """Return the definitions of what the entries name; kinds without one may have any field."""
        found = []
        for one in sorted(self.served(entries)):
            name = one.group, one.plural
            if name not in self._known:
                self._known[name] = self._asked(one)
            mine = [each for each in self._known[name] if each.served == one]
            found += mine or [Definition(one, ANYTHING)]
        return found

    def served(self, entries: Sequence[Entry]) -> set[Served]:
        """Return the resources that the entries name."""
        return {one for one in self._served if any(matches(entry, one) for entry in entries)}

    def objects(self, followed: Followed) -> list[Item]:
        """Return the first objects of a resource."""
        try:
            (target,) = targets(resource_of(followed), Scope())
            return first(self._server, target, OBJECTS, Call())
        except (RequestError, WireError) as error:
            self._refused(error)
            return []

    def _asked(self, one: Served) -> list[Definition]:
        try:
            found = definition(self._server, one, Call())
            return list(definitions(found)) if found else []
        except (RequestError, ValueError) as error:
            self._refused(error)
            return []

    def _refused(self, error: Exception) -> None:
        line = str(error)
        if line not in self.problems:
            self.problems.append(line)


def _read(folder: str) -> Iterator[tuple[str, Object]]:
    return read(Path(folder)) if folder else iter(())


def _defined(place: str, found: Object) -> list[Definition]:
    if found["kind"] != "CustomResourceDefinition":
        return []
    try:
        return list(definitions(found))
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _guessed(objects: Iterable[Object], known: Iterable[Definition]) -> Iterator[Served]:
    """Yield the resources that objects without a definition may be of."""
    defined = {(one.served.group, one.served.kind) for one in known}
    for one in objects:
        if (_group(one), one["kind"]) not in defined:
            version = str(one["apiVersion"]).rpartition("/")[2]
            yield Served(_group(one), version, one["kind"], f"{str(one['kind']).lower()}s")


def _group(found: Object) -> str:
    return str(found["apiVersion"]).rpartition("/")[0]

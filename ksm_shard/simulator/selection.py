"""Selects the objects of a request, by namespace, fieldSelector, labelSelector and shardSelector."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ksm_shard.simulator.errors import ApiError, bad_request
from ksm_shard.simulator.objects import Stored
from ksm_shard.simulator.resources import ServedResource

Test = Callable[[Stored], bool]

# The fields that exporters select by; a real server supports some more.
FIELDS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "": {"metadata.name": ("metadata", "name"), "metadata.namespace": ("metadata", "namespace")},
    "pods": {"spec.nodeName": ("spec", "nodeName"), "status.phase": ("status", "phase")},
}
_HEX: Final = r"'0x([0-9a-f]{16}|10000000000000000)'"
_RANGE: Final = re.compile(rf"\s*shardRange\(\s*object\.metadata\.(uid|namespace)\s*,\s*{_HEX}\s*,\s*{_HEX}\s*\)\s*")


class Selection:
    """A test for objects that a request selects.

    `shard_selector` is the selector that a filtered list echoes.
    """

    def __init__(self, resource: ServedResource, namespace: str, query: Mapping[str, str], *, sharded: bool) -> None:
        """Parse the selectors of a query; without `sharded` (ShardedListAndWatch) shardSelector is ignored.

        Raises:
            ApiError: a selector does not parse, or a field is not supported.
        """
        self.shard_selector = ""
        self._tests: list[Test] = []
        if namespace:
            self._tests.append(lambda stored: stored.metadata.get("namespace") == namespace)
        self._tests += _fields(resource, query.get("fieldSelector", ""))
        self._tests += _labels(query.get("labelSelector", ""))
        if sharded and query.get("shardSelector"):
            test, self.shard_selector = _shards(query["shardSelector"])
            self._tests.append(test)

    def __call__(self, stored: Stored) -> bool:
        """Return whether the request selects an object."""
        return all(test(stored) for test in self._tests)

    def filter(self, objects: list[Stored]) -> list[Stored]:
        """Return the selected objects."""
        return [stored for stored in objects if self(stored)] if self._tests else objects


def _terms(selector: str) -> list[tuple[str, bool, str]]:
    """Parse a selector: `a=b,c!=d` -> (a, True, b), (c, False, d)."""
    terms = []
    for term in filter(None, selector.split(",")):
        parsed = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", term)
        if parsed is None:
            raise bad_request(f"invalid selector: '{term}'; can't understand it")
        terms.append((parsed[1].strip(), parsed[2] != "!=", parsed[3].strip()))
    return terms


def _fields(resource: ServedResource, selector: str) -> list[Test]:
    known = {**FIELDS[""], **FIELDS.get(resource.storage.rstrip("."), {})}
    if resource.custom and not resource.namespaced:  # a real server accepts both fields for built-in resources
        del known["metadata.namespace"]

    def test(path: tuple[str, str], wanted: bool, value: str) -> Test:
        part, name = path
        return lambda stored: ((stored.data.get(part) or {}).get(name, "") == value) is wanted

    tests = []
    for name, wanted, value in _terms(selector):
        if name not in known:
            raise bad_request(f"field label not supported: {name}")
        tests.append(test(known[name], wanted, value))
    return tests


def _labels(selector: str) -> list[Test]:
    def test(name: str, wanted: bool, value: str) -> Test:
        return lambda stored: ((stored.metadata.get("labels") or {}).get(name) == value) is wanted

    return [test(*term) for term in _terms(selector)]


def _shards(selector: str) -> tuple[Test, str]:
    """Parse a shardSelector (k8s.io/apiserver/pkg/sharding, KEP 5866).

    A selector consists of ranges of the FNV-1a hash of the uid or the namespace. Returns the test for objects in the ranges, and
    the normalized selector.
    """
    found = [_RANGE.fullmatch(part) for part in selector.split("||")]
    ranges = [(parsed[1], int(parsed[2], 16), int(parsed[3], 16)) for parsed in found if parsed]
    # A real server answers 500 without a reason to all of these, as observed with Kubernetes 1.36.
    if len(ranges) < len(found):
        raise ApiError(500, "", "invalid shard selector: only shardRange(field, '0x...', '0x...') and || are allowed")
    fields = {field for field, _, _ in ranges}
    if len(fields) > 1:
        raise ApiError(500, "", "invalid shard selector: all shard ranges must use the same field")
    for _, first, end in ranges:
        if first >= end:
            raise ApiError(500, "", f"invalid shard selector: start 0x{first:016x} must be less than end 0x{end:016x}")
    field = fields.pop()
    text = " || ".join(
        f"shardRange(object.metadata.{field}, '0x{first:016x}', '0x{end:016x}')" for _, first, end in ranges
    )
    return lambda stored: any(first <= _hash(stored, field) < end for _, first, end in ranges), text


def _hash(stored: Stored, field: str) -> int:
    if field not in stored.hashes:
        value: Any = stored.metadata.get(field, "")
        hashed = 0xCBF29CE484222325
        for byte in value.encode():
            hashed = (hashed ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
        stored.hashes[field] = hashed
    return stored.hashes[field]

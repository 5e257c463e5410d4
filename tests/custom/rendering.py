"""What the tests of custom resources share: a file and objects -> the text of a scrape, the way that they take in a cluster."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Raw

from ksm_shard.custom.entries import Entry
from ksm_shard.custom.resolve import Served, resolve, resource_of
from ksm_shard.metrics.compiler import compile_resource
from ksm_shard.metrics.families import Family
from ksm_shard.metrics.filters import Filters
from ksm_shard.metrics.headers import header
from ksm_shard.store.distinct import distinct
from ksm_shard.store.pages import Body, deflate, text_pieces
from ksm_shard.wire.json import JsonCodec

CODEC = JsonCodec()


class Rendered:
    """What entries make of objects.

    Attributes:
        families: those that there are, by name, the first of a name.
        repeating: names of which a family may have a series of several objects, or resources.
        samples: the text of each, in the order of the objects.
        duplicates: series that an object repeated.
        noted: values that gave no sample, by family and reason.
        failures: what was raised, by family.
        sources: the generated Python of each resource.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        served: Iterable[Served],
        objects: Iterable[dict[str, Any]],
        filters: Filters | None = None,
    ) -> None:
        self.families: dict[str, Family] = {}
        self.repeating: set[str] = set()
        self.samples: defaultdict[str, str] = defaultdict(str)
        self.duplicates = 0
        self.noted = Counter[tuple[str, str]]()
        self.failures: list[tuple[str, Exception]] = []
        self.sources: list[str] = []
        objects = list(objects)
        for followed in resolve(entries, served):
            resource = resource_of(followed)
            compiled = compile_resource(
                resource,
                (filters or Filters()).on(resource.families),
                failed=lambda family, error: self.failures.append((family.name, error)),
                duplicated=self._duplicated,
                noted=self._noted,
            )
            self.sources.append(compiled.source)
            for one in objects:
                if (one["kind"], one["apiVersion"].rpartition("/")[0]) != (resource.kind, resource.group):
                    continue
                item = Raw(json.dumps({**one, "apiVersion": resource.api_version}).encode())
                parsed = resource.shape.parse(CODEC, item)
                resource.shape.key(parsed)
                for family, text in zip(compiled.families, compiled.render(parsed), strict=True):
                    self.families.setdefault(family.name, family)
                    self.repeating |= {family.name} if family.repeats else set()
                    self.samples[family.name] += text

    def text(self, *, openmetrics: bool = False) -> str:
        """Return the text of a scrape."""
        return "".join(
            header(family, openmetrics=openmetrics) + self.exposed(name) for name, family in self.families.items()
        )

    def exposed(self, name: str) -> str:
        """Return the samples of a family that a scrape has."""
        if name not in self.repeating:
            return self.samples[name]
        body, _ = distinct(Body.of([deflate(self.samples[name].encode())]))
        return b"".join(text_pieces([body])).decode()

    def _duplicated(self, count: int) -> None:
        self.duplicates += count

    def _noted(self, family: Family | None, reason: str) -> None:
        self.noted[family.name if family else "", reason] += 1

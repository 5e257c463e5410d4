"""What the tests of kinds share: objects as the API serves them in JSON -> the text of a scrape, all families on."""

import json
from pathlib import Path
from typing import Any

from ksm_shard.metrics.compiler import compile_resource
from ksm_shard.metrics.families import Family, Resource
from ksm_shard.metrics.headers import header
from ksm_shard.wire.convert import fill
from ksm_shard.wire.shape import MessageShape

OBJECTS = Path(__file__).parent / "objects"
EXPECTED = Path(__file__).parent / "expected"


class Renderer:
    """A resource with all labels and annotations.

    Attributes:
        failures: what families raised, by name.
    """

    def __init__(self, resource: Resource, *families: Family) -> None:
        """Compile these families of the resource, all if none is named."""
        self.resource = resource
        self.failures: list[tuple[str, Exception]] = []
        self._compiled = compile_resource(
            resource,
            families or resource.families,
            failed=lambda family, error: self.failures.append((family.name, error)),
            duplicated=lambda count: None,
            labels_allowlist=("*",),
            annotations_allowlist=("*",),
        )

    def samples(self, *messages: Any) -> dict[Family, str]:
        """Return the samples of each family, in the order of a scrape."""
        rendered = [self._compiled.render(message) for message in messages]
        return {family: "".join(texts) for family, *texts in zip(self._compiled.families, *rendered, strict=True)}

    def text(self, *messages: Any) -> str:
        """Return the text of a scrape."""
        return "".join(header(family) + samples for family, samples in self.samples(*messages).items())


def objects(resource: Resource) -> list[Any]:
    """Return the objects of a resource that the goldens show, as messages."""
    source = OBJECTS / f"{resource.plural}.jsonl"
    assert source.exists(), f"make {source}: objects as the API serves them, one a line, with a sample for each family"
    assert isinstance(resource.shape, MessageShape)
    messages = []
    for line in source.read_text().splitlines():
        messages.append(resource.shape.message())
        fill(messages[-1], json.loads(line))
    return messages

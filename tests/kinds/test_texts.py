"""Texts that are no UTF-8, in every field of every kind: JSON can spell half a character, and protobuf carry any bytes."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from ksm_shard.kinds import resources
from ksm_shard.metrics.families import Resource
from ksm_shard.wire.convert import fill
from ksm_shard.wire.frames import WireError
from tests.kinds.rendering import OBJECTS, Renderer

RESOURCES = resources()
HALF: Final = "spoilt \ud800"
ELSEWHERE: Final = {"apiVersion", "kind"}


def spoiled(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the value with half a character in each of its texts in turn, keys of mappings that say something included."""
    if isinstance(value, str):
        yield "", HALF
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from ((f"[{at}]{path}", [*value[:at], other, *value[at + 1 :]]) for path, other in spoiled(one))
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from ((f".{key}{path}", {**value, key: other}) for path, other in spoiled(one))
            if isinstance(one, str):
                yield f".{key} as a key", {**value, HALF: one}


def renderings(resource: Resource, renderer: Renderer) -> Iterator[tuple[str, str | None]]:
    """Yield the text of each spoiled object of the goldens, None for one that cannot be read."""
    for line in (OBJECTS / f"{resource.plural}.jsonl").read_text().splitlines()[:4]:
        given = {key: value for key, value in json.loads(line).items() if key not in ELSEWHERE}
        for path, other in spoiled(given):
            message = resource.shape.message()
            renderer.failures.clear()
            try:
                fill(message, other)
                yield path, renderer.text(message)
            except (TypeError, WireError):
                yield path, None


@pytest.mark.parametrize("plural", RESOURCES)
def test_text_that_is_not_utf8_never_reaches_a_scrape(plural: str) -> None:
    """It costs the families that show it, or the object if it is part of its name; Prometheus would refuse the whole scrape."""
    resource = RESOURCES[plural]
    renderer = Renderer(resource)
    needed = {f".{path}" if "." in path else f".metadata.{path}" for path in resource.labels.values()}
    needed.add(".status.certificate")  # no text, but bytes

    for path, text in renderings(resource, renderer):
        if text is None:
            assert path in needed
            continue
        text.encode()
        assert "spoilt" not in text, path
        assert {type(error) for _, error in renderer.failures} <= {TypeError, ValueError, UnicodeDecodeError}

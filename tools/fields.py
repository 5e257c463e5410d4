"""Write ksm_shard/simulator/fields.json, numbers and types of the API's fields: `python -m tools.fields API APIMACHINERY`.

The arguments are folders with the source of k8s.io/api and k8s.io/apimachinery, as `go mod download` leaves them. They are not in
this repository, so this is no step of `python -m tools`: run it for a new version of Kubernetes, which may bring kinds and fields.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

FIELDS: Final = Path(__file__).parents[1] / "ksm_shard/simulator/fields.json"
META: Final = "k8s.io.apimachinery.pkg.apis.meta.v1"
# Versions that are stable. Alpha and beta ones come and go.
STABLE: Final = re.compile(r"k8s\.io\.api\.\w+\.v\d+\.\w+")
# What travels besides kinds: envelopes, answers and bodies of requests.
BESIDES: Final = (
    *(f"{META}.{name}" for name in ("DeleteOptions", "PartialObjectMetadataList", "Status", "WatchEvent")),
    "k8s.io.apimachinery.pkg.runtime.Unknown",
)
MESSAGE: Final = re.compile(r"(?ms)^message (\w+) \{\n(.*?)^\}")
FIELD: Final = re.compile(r"^  (?:optional )?((?:repeated )?(?:map<[^>]+>|[.\w]+)) (\w+) = (\d+);")

Fields = dict[str, tuple[int, str]]


def fields(folders: Iterable[Path]) -> dict[str, Fields]:
    """Return message -> field -> number and type, of all stable kinds that can be listed and of what they are made of."""
    found = {
        name: fields
        for folder in folders
        for path in sorted(folder.rglob("generated.proto"))
        for name, fields in _messages(path.read_text())
    }
    lists = [name for name in found if STABLE.fullmatch(name) and name.removesuffix("List") in found.keys() - {name}]
    waiting = [*BESIDES, *lists]
    kept: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found and name not in kept:
            kept.add(name)
            waiting += [other for _, kind in found[name].values() for other in re.findall(r"k8s\.io[\w.]+", kind)]
    return {name: found[name] for name in sorted(kept)}


def _messages(text: str) -> Iterator[tuple[str, Fields]]:
    """Yield the messages of a generated.proto, under their full names."""
    (package,) = re.findall(r"(?m)^package (\S+);", text)
    names = set(re.findall(r"(?m)^message (\w+)", text))
    for message, body in MESSAGE.findall(text):
        lines = (FIELD.match(line) for line in body.split("\n"))
        yield (
            f"{package}.{message}",
            {line[2]: (int(line[3]), _full(line[1], package, names)) for line in lines if line},
        )


def _full(kind: str, package: str, names: set[str]) -> str:
    """Return a type under its full name: types of the own package stand without it, and some others with a dot before."""

    def full(word: re.Match[str]) -> str:
        return f"{package}.{word[0]}" if word[0] in names else word[0].lstrip(".")

    return re.sub(r"[.\w]+", full, kind).replace(", ", ",")


def text(facts: Mapping[str, Fields]) -> str:
    """Return the file: a line for each message."""
    lines = (f'  "{name}": {json.dumps(one, separators=(",", ":"))}' for name, one in facts.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    FIELDS.write_text(text(fields(map(Path, sys.argv[1:]))))

"""Write ksm_shard/simulator/tags.json, what the tags of the API's Go types say: `python -m tools.tags API APIMACHINERY`.

The arguments are those of tools/fields.py, which has to run first: tags are looked up for the messages that it found.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tools.fields import FIELDS

TAGS: Final = FIELDS.with_name("tags.json")
GENERATED: Final = re.compile(r"zz_generated.*|generated\.pb.*|.*_test\.go|.*_swagger_doc_generated\.go")
STRUCT: Final = re.compile(r"(?ms)^type (\w+) struct \{\n(.*?)^\}")
# Name, type, tags.
FIELD: Final = re.compile(r"(?m)^\t\w+\s+(\S+)\s+`(.*)`")
# A struct of the same package whose fields stand in the JSON of the one that embeds it.
EMBEDDED: Final = re.compile(r'(?m)^\t(\w+)\s+`json:",inline"')
# Bytes are none: those that are empty are null.
SCALARS: Final = frozenset({"string", "bool", "int32", "int64"})


def tags(folders: Iterable[Path], facts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return how the lists of each message merge, and which of its scalars are written though they are zero."""
    found = {}
    for folder in folders:
        for proto in folder.rglob("generated.proto"):
            (package,) = re.findall(r"(?m)^package (\S+);", proto.read_text())
            for path in proto.parent.glob("*.go"):
                if not GENERATED.fullmatch(path.name):
                    for struct, body in STRUCT.findall(path.read_text()):
                        found[f"{package}.{struct}"] = body
    said = {}
    for name in sorted(found.keys() & facts.keys()):
        merge, zeros = _said(name, found, facts)
        if merge or zeros:
            said[name] = ({"merge": dict(sorted(merge.items()))} if merge else {}) | (
                {"zeros": sorted(zeros)} if zeros else {}
            )
    return said


def _said(
    name: str, bodies: Mapping[str, str], facts: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, str], list[str]]:
    """Return the merge strategies of a message's lists, and its scalars whose zero is written, with those of embedded structs."""
    merge, zeros = {}, []
    kinds = {field.lower(): kind for field, (_, kind) in facts.get(name, {}).items()}
    for field, pointer, options, tag in _fields(bodies[name]):
        if "patchStrategy" in tag:
            merge[field] = f"{tag['patchStrategy']}:{tag.get('patchMergeKey', '')}"
        if kinds.get(field.lower()) in SCALARS and (pointer or "omitempty" not in options):
            zeros.append(field)
    for struct in EMBEDDED.findall(bodies[name]):
        merge_within, zeros_within = _said(f"{name.rpartition('.')[0]}.{struct}", bodies, facts)
        merge |= merge_within
        zeros += zeros_within
    return merge, zeros


def _fields(body: str) -> Iterator[tuple[str, bool, list[str], dict[str, str]]]:
    """Yield of each field its JSON name, whether it is a pointer, the options behind the name, and all tags."""
    for kind, written in FIELD.findall(body):
        tag = dict(re.findall(r'(\w+):"([^"]*)"', written))
        name, *options = tag.get("json", "").split(",")
        if name:
            yield name, kind.startswith("*"), options, tag


def text(said: Mapping[str, Any]) -> str:
    """Return the file: a line for each message."""
    lines = (f'  "{name}": {json.dumps(one, separators=(",", ":"))}' for name, one in said.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TAGS.write_text(text(tags([Path(folder) for folder in sys.argv[1:]], json.loads(FIELDS.read_text()))))

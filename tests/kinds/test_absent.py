"""An empty text or a zero is not an absent field: what each family says of a field that the API can leave out.

In Go such a field is a pointer, and nil says other than "" or 0. The table is absent.jsonl, whose rows were held against
kube-state-metrics 2.20: both were served the same objects.
"""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from ksm_shard.kinds import resources
from ksm_shard.simulator.protobuf import encode, message_name
from ksm_shard.wire.convert import fill
from tests.kinds.rendering import Renderer

RESOURCES = resources()


class Row(NamedTuple):
    """A field, and the samples of one family for either of its states, without the labels of the object and empty ones.

    Attributes:
        plural: of the kind.
        field: dotted; `[]` is the one item of a list.
        given: an empty text, a zero, an empty message, or a list or a map of one.
        family: that reads the field.
        absent: its samples where the field is absent from a parent that is there.
        empty: its samples where it is given.
        beside: what else the object has.
    """

    plural: str
    field: str
    given: Any
    family: str
    absent: str
    empty: str
    beside: dict[str, Any] = {}  # noqa: RUF012  read only


TABLE: Final = [Row(*json.loads(line)) for line in (Path(__file__).parent / "absent.jsonl").read_text().splitlines()]


def made(row: Row, *, given: bool) -> dict[str, Any]:
    """Return an object in which the field is given, or absent from a parent that is there."""
    resource = RESOURCES[row.plural]
    obj = deepcopy(row.beside)
    obj["apiVersion"], obj["kind"] = resource.api_version, resource.kind
    obj.setdefault("metadata", {}).update(name="x", **{"namespace": "y"} if resource.namespaced else {})
    *parents, name = row.field.split(".")
    at = obj
    for parent in parents:
        at = at.setdefault(parent[:-2], [{}])[0] if parent.endswith("[]") else at.setdefault(parent, {})
    if given:
        at[name] = row.given
    return obj


def said(row: Row, message: Any) -> str:
    """Return the samples of the row's family, without the labels of the object and, as Prometheus does, empty ones."""
    resource = RESOURCES[row.plural]
    (family,) = (family for family in resource.families if family.name == row.family)
    renderer = Renderer(resource, family)
    lines = renderer.samples(message)[family].splitlines()
    assert [] == renderer.failures
    own = "|".join(resource.labels)
    pair = rf'(?<=[{{,])(?:(?:{own})="[^"]*"|\w+=""),?'
    return " ".join(re.sub(pair, "", line.removeprefix(row.family)).replace(",}", "}") for line in lines)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.family}-{row.field}")
def test_absent_and_empty_are_told_apart(row: Row) -> None:
    """In JSON, and in the protobuf that an API server makes of it."""
    resource = RESOURCES[row.plural]
    full = message_name(resource.group, resource.api_version.rpartition("/")[2], resource.kind)
    assert full is not None
    for given, expected in ((False, row.absent), (True, row.empty)):
        obj = made(row, given=given)
        message = resource.shape.message()
        fill(message, obj)

        assert [expected, expected] == [
            said(row, message),
            said(row, resource.shape.message.FromString(encode(full, obj))),
        ]

"""Custom resources in a collector and in a scrape: raw items to text, and families of one name together."""

from typing import Any

import pytest

from ksm_shard.collector.collector import Collector
from ksm_shard.collector.exposed import joined
from ksm_shard.custom.file import read
from ksm_shard.custom.resolve import Served, resolve, resource_of
from ksm_shard.sharding.masks import ALL
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.status.custom import FamilyTally
from ksm_shard.store.pages import text_pieces
from ksm_shard.store.stamps import Stamp
from ksm_shard.wire.frames import WireError
from ksm_shard.wire.json import JsonCodec
from tests.wire.dicts import raw

FILE = """
spec:
  resources:
  - groupVersionKind: {group: example.org, version: v1, kind: Pot}
    metricNamePrefix: ""
    labelsFromPath: {name: [metadata, name], namespace: [metadata, namespace]}
    metrics:
    - {name: litres, help: Of pots., each: {type: Gauge, gauge: {path: [spec, litres]}}}
    - {name: lids, help: Lids., each: {type: Gauge, gauge: {path: [spec, lids], nilIsZero: true}}}
    - {name: vessels, commonLabels: {customresource_kind: Any}, each: {type: Gauge, gauge: {path: [spec, litres]}}}
  - groupVersionKind: {group: example.org, version: v1, kind: Kettle}
    metricNamePrefix: ""
    labelsFromPath: {name: [metadata, name], namespace: [metadata, namespace]}
    metrics:
    - {name: litres, help: Of kettles., each: {type: Gauge, gauge: {path: [spec, litres]}}}
    - {name: vessels, commonLabels: {customresource_kind: Any}, each: {type: Gauge, gauge: {path: [spec, litres]}}}
    - {name: any, each: {type: Gauge, gauge: {path: [spec, litres]}}}
"""
KINDS = [Served("example.org", "v1", kind, f"{kind.lower()}s") for kind in ("Kettle", "Pot")]


def collectors() -> list[Collector]:
    """Return a collector of each kind of the file, kettles first."""
    ownership = Ownership(MMH3, ALL)
    resources = map(resource_of, resolve(read(FILE)[0], KINDS))
    return [Collector(one, one.families, ownership, lambda: 0.0) for one in resources]


def vessel(name: str, litres: Any, version: int = 1) -> Any:
    """Return an object, as it comes."""
    metadata = {"name": name, "namespace": "home", "uid": name, "resourceVersion": str(version)}
    return raw({"metadata": metadata, "spec": {"litres": litres}})


def scrape(*made: Collector) -> list[str]:
    """Return the lines of a scrape, without the labels that all have."""
    text = b"".join(text_pieces(joined(one for each in made for one in each.exposed(openmetrics=False)))).decode()
    return [
        line.replace('customresource_group="example.org",', "").replace(',customresource_version="v1"', "")
        for line in text.splitlines()
    ]


def test_families_of_one_name() -> None:
    """Families of several kinds are together below one header, and what both say of one series is there once."""
    kettles, pots = collectors()
    kettles.sink().put(JsonCodec(), vessel("a", 1.5))
    pots.sink().put(JsonCodec(), vessel("a", 4))

    assert [
        "# HELP litres Of kettles.",
        "# TYPE litres gauge",
        'litres{customresource_kind="Kettle",name="a",namespace="home"} 1.5',
        'litres{customresource_kind="Pot",name="a",namespace="home"} 4',
        "# HELP vessels ",
        "# TYPE vessels gauge",
        'vessels{customresource_kind="Any",name="a",namespace="home"} 1.5',
        "# HELP any ",
        "# TYPE any gauge",
        'any{customresource_kind="Kettle",name="a",namespace="home"} 1.5',
        "# HELP lids Lids.",
        "# TYPE lids gauge",
        'lids{customresource_kind="Pot",name="a",namespace="home"} 0',
    ] == scrape(kettles, pots)


def test_changes() -> None:
    """Objects change and go as those of built-in kinds do, and one that cannot be read costs itself."""
    kettles, _ = collectors()
    sink = kettles.sink()
    sink.put(JsonCodec(), vessel("a", 1))
    sink.put(JsonCodec(), vessel("b", 2))
    kettles.flush()
    assert FamilyTally(2, 0) == kettles.tallies()["litres"]
    sink.change(JsonCodec(), vessel("a", "odd", 2))
    with pytest.raises(WireError):  # for the reflector, as not even its name can be read
        sink.put(JsonCodec(), raw({"metadata": ["c"]}))
    sink.drop(JsonCodec(), vessel("b", 2))

    assert [] == [line for line in scrape(kettles) if not line.startswith("#")]
    assert {name: FamilyTally(0, 1) for name in ("litres", "vessels", "any")} == kettles.tallies()
    assert {
        ("litres", "not_a_number"): 1,
        ("vessels", "not_a_number"): 1,
        ("any", "not_a_number"): 1,
    } == kettles.stats.noted
    assert 1 == kettles.stats.render_errors[""]
    assert 1 == len(kettles.store)


def test_leaving() -> None:
    """Objects about to be let go have timestamps, and what both kinds say of one series is there once all the same."""
    kettles, pots = collectors()
    for one, litres in ((kettles, 1), (pots, 4)):
        one.sink().put(JsonCodec(), vessel("a", litres))
        one.store.leave(ALL)
    stamp = Stamp(1_764_117_440.0, openmetrics=False)
    families = [family for one in (kettles, pots) for family in one.exposed(openmetrics=False, stamp=stamp)]
    samples = [line for line in b"".join(text_pieces(joined(families))).decode().splitlines() if line[0] != "#"]

    assert all(line.endswith(" 1764117440000") for line in samples)
    assert 1 == sum(line.startswith("any{") for line in samples)


@pytest.mark.parametrize("openmetrics", [False, True])
def test_no_object(openmetrics: bool) -> None:
    """Without an object, a kind is not there, not even with headers."""
    assert [] == [family for one in collectors() for family in one.exposed(openmetrics=openmetrics)]

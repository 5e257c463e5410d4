"""Amounts of series, bytes and new series."""

import pytest

from ksm_shard.audit.amounts import SeriesAmount, amounts
from ksm_shard.audit.digest import digest
from ksm_shard.audit.distinct_values import DistinctValues
from ksm_shard.audit.exposition import Header, Sample, read

NOW = 1_764_100_000.0
LINES = [
    b"# TYPE kube_pod_info gauge\n",
    b'kube_pod_info{namespace="a",pod="x"} 1\n',
    b'kube_pod_info{namespace="a",pod="y"} 1\n',
    b'kube_pod_info{namespace="b",pod="z"} 1\n',
    b"# TYPE kube_pod_created gauge\n",
    b'kube_pod_created{namespace="a",pod="x"} 1764099999\n',
    b'kube_pod_created{namespace="a",pod="y"} 1763000000\n',
    b'kube_pod_created{namespace="b",pod="z"} 1763000000\n',
    b"# TYPE kube_job_failed gauge\n",
    b'kube_node_info{node="n"} 1\n',
]


def scrape(*lines: bytes) -> list[list[Sample | Header]]:
    """Return one scrape of these lines."""
    return [list(read(lines, "x"))]


def test_amounts_by_family_label_and_namespace() -> None:
    """Series and bytes of each add up to all; a family without series is there."""
    found = amounts(scrape(*LINES), NOW)

    assert {"kube_pod_info": 3, "kube_pod_created": 3, "kube_job_failed": 0, "kube_node_info": 1} == {
        name: one.total.series for name, one in found.families.items()
    }
    assert {"a": 4, "b": 2, "": 1} == {name: one.series for name, one in found.by_namespace().items()}
    assert {"namespace": (6, 2), "pod": (6, 3), "node": (1, 1)} == {
        name: (one.series, found.values[name]) for name, one in found.by_label().items()
    }
    bytes_of_all = sum(len(line) for line in LINES if line[:1] != b"#")
    assert bytes_of_all == found.total(found.families).bytes == sum(one.bytes for one in found.by_namespace().values())
    assert 3 * len('pod="x",') * 2 == found.by_label()["pod"].bytes


def test_new_series_are_estimated_from_times_of_creation() -> None:
    """Half of the pods of one namespace are of the last hour: so are half of their series."""
    found = amounts(scrape(*LINES), NOW)

    assert {"a": 2.0, "b": 0.0, "": 0.0} == {name: one.new for name, one in found.by_namespace().items()}
    assert 1.0 == found.families["kube_pod_info"].total.new
    assert found.by_label()["pod"].new == pytest.approx(2.0)


def test_new_series_are_counted_with_an_earlier_scrape() -> None:
    """Of ten seconds: an hour has 360 times as many."""
    earlier = digest(scrape(*(line for line in LINES if b'pod="y"' not in line)))

    found = amounts(scrape(*LINES), NOW, earlier, 10.0)

    assert 720.0 == found.total(found.families).new == found.by_namespace()["a"].new
    assert SeriesAmount(3, 117, 360.0) == found.families["kube_pod_info"].total


@pytest.mark.parametrize("count", [0, 1, 4096, 5000, 200_000])
def test_distinct_values(count: int) -> None:
    """Exact as long as they are few, and right to a tenth however many there are."""
    values = DistinctValues()
    for number in range(count):
        values.add(b"%d" % number)
        values.add(b"%d" % (number // 2))

    assert len(values) == count if count <= 4096 else abs(len(values) - count) < count / 10

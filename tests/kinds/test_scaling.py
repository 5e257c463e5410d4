"""Metrics of one name in one horizontal pod autoscaler. Those of several names are in the golden."""

import re
from typing import Any

import pytest

from ksm_shard.kinds import resources
from ksm_shard.kinds._scaling import canonical
from ksm_shard.wire.convert import fill
from ksm_shard.wire.messages.meta_v1_pb2 import LabelSelector
from tests.kinds.rendering import Renderer

SCALERS = resources()["horizontalpodautoscalers"]
TARGETS, VALUES = "kube_horizontalpodautoscaler_spec_target_metric", "kube_horizontalpodautoscaler_status_target_metric"


def external(name: str, number: str, queue: str = "") -> dict[str, Any]:
    """Return an External metric, as a target and as a value, with a selector if it is of a queue."""
    metric = {"name": name, **({"selector": {"matchLabels": {"queue": queue}}} if queue else {})}
    return {"type": "External", "external": {"metric": metric, **numbers(number)}}


def of_object(name: str, number: str, described: str) -> dict[str, Any]:
    """Return an Object metric, as a target and as a value."""
    found = {"metric": {"name": name}, "describedObject": {"kind": "Ingress", "name": described}}
    return {"type": "Object", "object": {**found, **numbers(number)}}


def of_pods(name: str, number: str) -> dict[str, Any]:
    """Return a Pods metric, as a target and as a value."""
    return {"type": "Pods", "pods": {"metric": {"name": name}, **numbers(number)}}


def numbers(number: str) -> dict[str, Any]:
    """Return an average that is both wanted and there."""
    return {"target": {"averageValue": number}, "current": {"averageValue": number}}


def said(family: str, wanted: list[dict[str, Any]], current: list[dict[str, Any]]) -> list[str]:
    """Return the samples of a family without the labels of the object, the type of the target and the container."""
    renderer = Renderer(SCALERS)
    message = SCALERS.shape.message()
    fill(message, {"metadata": {"name": "x"}, "spec": {"metrics": wanted}, "status": {"currentMetrics": current}})
    (text,) = (text for declared, text in renderer.samples(message).items() if declared.name == family)
    assert [] == renderer.failures
    own = r'namespace="",horizontalpodautoscaler="x",|,metric_target_type="average",container=""'
    return [re.sub(own, "", line).removeprefix(family) for line in text.splitlines()]


def test_a_queue_each_is_told_apart_by_its_selector() -> None:
    """Four targets and four values, as many as there are."""
    metrics = [external("m", number, queue) for number, queue in (("40", "a"), ("40", "b"), ("10", "c"))]

    expected = [
        f'{{metric_name="m",metric_selector="queue={queue}"}} {number}'
        for queue, number in zip("abc", (40, 40, 10), strict=True)
    ]
    assert expected == said(TARGETS, metrics, metrics) == said(VALUES, metrics, metrics)


def test_a_name_that_no_other_has_gets_no_label() -> None:
    """Its selector, or the object that it describes, changes nothing; nor does a selector that was changed a moment ago."""
    metrics = [external("m", "1", "a"), of_object("n", "2", "web"), of_pods("o", "3")]
    before = [external("m", "4", "b")]

    assert ['{metric_name="m"} 1', '{metric_name="n"} 2', '{metric_name="o"} 3'] == said(TARGETS, metrics, before)
    assert ['{metric_name="m"} 4'] == said(VALUES, metrics, before)


def test_an_ingress_each_is_told_apart_by_the_object() -> None:
    """Object metrics of one name describe other objects."""
    metrics = [of_object("m", "1", "web"), of_object("m", "2", "shop")]

    assert [
        '{metric_name="m",metric_object="Ingress/web"} 1',
        '{metric_name="m",metric_object="Ingress/shop"} 2',
    ] == said(TARGETS, metrics, metrics)


def test_metrics_that_differ_only_in_their_source_are_told_apart_by_that() -> None:
    """A metric without a selector has none to show."""
    metrics = [of_pods("m", "1"), external("m", "2"), external("m", "3", "a")]

    assert [
        '{metric_name="m",metric_selector="",metric_source="Pods"} 1',
        '{metric_name="m",metric_selector="",metric_source="External"} 2',
        '{metric_name="m",metric_selector="queue=a",metric_source="External"} 3',
    ] == said(TARGETS, metrics, metrics)


def test_the_labels_stay_while_a_value_is_not_known() -> None:
    """Of two queues only one could be read: its series is the one that it was."""
    metrics = [external("m", "1", "a"), external("m", "2", "b")]

    assert ['{metric_name="m",metric_selector="queue=b"} 2'] == said(VALUES, metrics, metrics[1:])
    assert 2 == len(said(TARGETS, metrics, [{"type": ""}, metrics[1]]))


def test_equal_metrics_are_one() -> None:
    """Nothing tells them apart, and Prometheus refuses a series that is there twice: the first counts."""
    assert ['{metric_name="m"} 1'] == said(TARGETS, [external("m", "1", "a"), external("m", "2", "a")], [])


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ({}, ""),
        ({"matchLabels": {"b": "2", "a": "1"}}, "a=1,b=2"),
        ({"matchExpressions": [{"key": "k", "operator": "In", "values": ["y", "x", "y"]}]}, "k in (x,y)"),
        ({"matchExpressions": [{"key": "k", "operator": "NotIn", "values": ["x"]}]}, "k notin (x)"),
        ({"matchExpressions": [{"key": "k", "operator": "Exists"}], "matchLabels": {"z": ""}}, "k,z="),
        ({"matchExpressions": [{"key": "k", "operator": "DoesNotExist"}], "matchLabels": {"a": "1"}}, "a=1,!k"),
        ({"matchExpressions": [{"key": "k", "operator": "Odd", "values": ["x"]}]}, "k Odd (x)"),
    ],
)
def test_a_selector_is_written_in_one_way(selector: dict[str, Any], text: str) -> None:
    """As kubectl writes it; the order of its terms and values says nothing."""
    message = LabelSelector()
    fill(message, selector)
    backwards = LabelSelector()
    fill(backwards, {**selector, "matchExpressions": selector.get("matchExpressions", [])[::-1]})

    assert text == canonical(message) == canonical(backwards)

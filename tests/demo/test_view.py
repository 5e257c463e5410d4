"""The view of the fleet: what is missing, there twice, and moved, against one exporter alone. Seconds are simulated."""

import pytest

from ksm_shard import kinds
from ksm_shard.demo.view import ONE_EACH, Sight, View

# Seconds within which changes are doubted.
LATE = 5.0
A = 'kube_pod_info{pod="a",uid="1"}'
B = 'kube_pod_info{pod="b",uid="2"}'
ELSEWHERE = 'kube_pod_info{pod="a",uid="1",node="n"}'
OTHER = 'kube_node_info{node="n"}'
ANOTHER = 'kube_node_info{node="n",kernel="6"}'


def looked(alone: dict[float, set[str]], visible: dict[float, set[str]]) -> list[Sight]:
    """Return a sight for each time, after the scrapes of the exporter alone up to a second later."""
    view, scrapes, sights = View(LATE), sorted(alone), []
    for at, series in sorted(visible.items()):
        while scrapes and scrapes[0] <= at + 1:
            began = scrapes.pop(0)
            view.alone(began, frozenset(alone[began]))
        sights.append(view.look(at, series, {}))
    return sights


def steady(*series: str) -> dict[float, set[str]]:
    """Return the same scrape once a second."""
    return {float(at): set(series) for at in range(20)}


@pytest.mark.parametrize(
    ("alone", "visible", "missing"),
    [
        pytest.param(steady(A, B), {10: {A, B}}, 0, id="all are there"),
        pytest.param(steady(A, B), {10: {A}}, 1, id="one is not"),
        pytest.param(steady(A, B), {3: {A}}, 0, id="it may be new"),
        pytest.param(steady(A, B) | {10: {A}, 11: {A}}, {10: {A}}, 0, id="it has just gone"),
        pytest.param(steady(A) | {10: {A, B}, 11: {A, B}}, {10: {A}}, 0, id="it has just come"),
        pytest.param(steady(A) | {float(at): {A, B} for at in range(5, 20)}, {10: {A}}, 1, id="it came long ago"),
        pytest.param({}, {10: {A}}, 0, id="nobody knows yet"),
    ],
)
def test_missing(alone: dict[float, set[str]], visible: dict[float, set[str]], missing: int) -> None:
    """What the exporter alone has had since some seconds ago, and still has after the look, a query has to see."""
    assert missing == looked(alone, visible)[-1].missing


@pytest.mark.parametrize(
    ("alone", "more", "seconds", "twice"),
    [
        pytest.param(steady(A), ELSEWHERE, 6, 1, id="an object with two series of a family"),
        pytest.param(steady(A), ELSEWHERE, 3, 0, id="for a moment only"),
        pytest.param(steady(A), B, 6, 0, id="of an object that is gone"),
        pytest.param(steady(OTHER), ANOTHER, 6, 1, id="an object without a uid"),
        pytest.param(steady(A) | {12: {A, ELSEWHERE}}, ELSEWHERE, 6, 0, id="the exporter alone had it meanwhile"),
    ],
)
def test_twice(alone: dict[float, set[str]], more: str, seconds: int, twice: int) -> None:
    """Beside the series of an object another one is seen for long, which the exporter alone has not."""
    series = next(iter(alone.values()))
    visible = {float(at): {*series, more} for at in range(10, 10 + seconds)}

    assert twice == looked(alone, visible)[-1].twice


def test_objects_and_who_has_them() -> None:
    """One has moved when its first owner has let go; who writes it with a timestamp only has it still, if nobody else does."""
    view = View(LATE)
    a, b = 'kube_pod_created{uid="1"}', 'kube_lease_owner{lease="l"}'
    seen = {a, b, A}

    def look(at: float, first: set[str], second: set[str]) -> tuple[int, int, dict[str, int]]:
        sight = view.look(at, seen, {"s-0": frozenset(first), "s-1": frozenset(second)})
        return sight.objects, sight.moved, dict(sight.shares)

    assert [
        look(1, {a, b, A}, set()),
        look(2, {a, b, A}, {a}),  # both have it for a while
        look(3, {b}, {a}),
        look(4, {b}, set()),  # let go with timestamps
        look(5, set(), set()),
        look(6, {b}, {a}),  # the same pods are back
        look(7, {a, b}, set()),
    ] == [
        (2, 0, {"s-0": 2}),
        (2, 0, {"s-0": 2}),
        (2, 1, {"s-0": 1, "s-1": 1}),
        (2, 0, {"s-0": 1, "s-1": 1}),
        (2, 0, {"s-0": 1, "s-1": 1}),
        (2, 0, {"s-0": 1, "s-1": 1}),
        (2, 1, {"s-0": 2}),
    ]


def test_objects_are_counted_by_one_family_of_each_kind() -> None:
    """Every kind that is on by default has exactly one family of those that are counted."""
    for name, resource in kinds.resources().items():
        counted = [one.name for one in resource.families if one.name.endswith("_created") or one.name in ONE_EACH]
        assert len(counted) == 1 or not resource.default, f"{name}: {counted}"

"""A Prometheus in small: what a query sees of scrapes. That the real one does so is in tests/e2e/test_prometheus.py."""

import pytest

from ksm_shard.simulator.prometheus import Head, ScrapeTarget, samples

# Seconds since 1970, so that timestamps are as in earnest.
T = 1_700_000_000


def at(seconds: float) -> str:
    """Return a timestamp as the text format has it."""
    return f" {round((T + seconds) * 1000)}"


# Scrapes: target, when it began, its text; then when the query is, and what that sees.
Scrape = tuple[str, float, str]


@pytest.mark.parametrize(
    ("scrapes", "query", "seen"),
    [
        pytest.param([("a", 0, "x 1\n")], 1, {"x": "1"}, id="a sample is seen"),
        pytest.param([("a", 0, "x 1\n")], -1, {}, id="not before its time"),
        pytest.param([("a", 0, "x 1\n")], 299, {"x": "1"}, id="for five minutes"),
        pytest.param([("a", 0, "x 1\n")], 300, {}, id="and no longer"),
        pytest.param([("a", 0, "x 1\n"), ("a", 2, "x 2\n")], 3, {"x": "2"}, id="until there is another"),
        pytest.param([("a", 0, "x 1\n"), ("a", 2, "")], 3, {}, id="or none in the next scrape"),
        pytest.param([("a", 0, "x 1\n"), ("a", 2, "y 1\n")], 1, {"x": "1"}, id="whose marker has the time of that"),
        pytest.param([("a", 0, f"x 1{at(0.1)}\n"), ("a", 2, "")], 3, {"x": "1"}, id="no marker after a timestamp"),
        pytest.param(
            [("a", 0, "x 1\n"), ("a", 2, f"x 1{at(2.2)}\n"), ("a", 4, "")], 5, {"x": "1"},
            id="nor when timestamps have begun after the scrape did",
        ),
        pytest.param(
            [("a", 0, "x 1\n"), ("a", 2, f"x 1{at(1.9)}\n")], 3, {},
            id="but when they have begun before: the marker is later",
        ),
        pytest.param(
            [("a", 0, "x 1\n"), ("a", 2, f"x 2{at(2.2)}\n")], 2.1, {"x": "1"}, id="what is ahead is seen at its time"
        ),
        pytest.param(
            [("a", 0, "x 1\n"), ("b", 1, "x 1\n"), ("a", 2, ""), ("b", 3, "x 1\n")], 2.5, {},
            id="the marker of one target hides the sample of another",
        ),
        pytest.param(
            [("a", 0, "x 1\n"), ("b", 1, "x 1\n"), ("a", 2, ""), ("b", 3, "x 1\n")], 3.5, {"x": "1"},
            id="until its next scrape",
        ),
        pytest.param(
            [("a", 0, "x 1\n"), ("b", 5, "x 2\n"), ("a", 2, "")], 6, {"x": "2"}, id="a marker out of order is ignored"
        ),
        pytest.param(
            [("b", 5, "x 2\n"), ("a", 2, "x 1\n"), ("a", 7, "")], 8, {}, id="who is new to a series tracks it in any case"
        ),
        pytest.param(
            [("a", 0, "x 1\n"), ("b", 5, "x 2\n"), ("a", 4, "x 1\n"), ("a", 7, "")], 8, {"x": "2"},
            id="and who is not only what was in order",
        ),
    ],
)  # fmt: skip
def test_what_a_query_sees(scrapes: list[Scrape], query: float, seen: dict[str, str]) -> None:
    """Scrapes in the order in which they are written, which need not be that of their times."""
    head = Head()
    targets = {name: ScrapeTarget(head) for name, *_ in scrapes}

    for name, began, text in scrapes:
        targets[name].scraped(T + began, text)

    assert seen == head.visible(T + query)


def test_what_nobody_sees_is_forgotten() -> None:
    """Five minutes after its last sample a series begins anew; a marker keeps older samples out until then."""
    head = Head()
    head.append("x", T, None)
    head.forget(T + 299)
    assert not head.append("x", T - 1, "1")
    head.forget(T + 300)
    assert head.append("x", T - 1, "1")


def test_lines_of_the_text_format() -> None:
    """Label values have whatever they like; a series need have no labels."""
    text = '# HELP x {} 1\nx{a="} 1",b="{\r\x85"} 2 1700000000250\nx 3\ny{a="b"} NaN\n\n'

    assert [('x{a="} 1",b="{\r\x85"}', "2", 1_700_000_000.25), ("x", "3", None), ('y{a="b"}', "NaN", None)] == list(
        samples(text)
    )

"""Who is waited for: everybody who comes regularly, and nobody else for longer than a period."""

import math

from ksm_shard.web.scrapers import MOST, Scrapers

PERIOD = 45.0


def scraped(scrapers: Scrapers, began: float, *who: str) -> None:
    """Complete a scrape of somebody."""
    scrapers.completed(scrapers.find(*who), began, *who)


def test_nobody_is_waited_for_who_came_once() -> None:
    """Somebody who looks at the metrics holds up nothing."""
    scrapers = Scrapers(PERIOD)

    scraped(scrapers, 1.0, "curl")

    assert scrapers.scraped(2.0) == math.inf


def test_a_last_word_is_for_everybody() -> None:
    """Who came for the first time may come again; after a period, who has not is forgotten."""
    scrapers = Scrapers(PERIOD)

    scraped(scrapers, 1.0, "new")

    assert scrapers.heard(2.0) == 1.0
    assert scrapers.heard(46.5) == 1.5


def test_a_last_word_is_kept_for_a_period_where_nobody_was_yet() -> None:
    """Prometheus takes some seconds to find a new shard."""
    assert Scrapers(PERIOD).heard(100.0) == 55.0


def test_the_last_of_those_who_come_regularly_counts() -> None:
    """What ended between their scrapes is not heard of by all."""
    scrapers = Scrapers(PERIOD)
    for began in (0.0, 30.0):
        scraped(scrapers, began, "one")
        scraped(scrapers, began + 10, "other")

    assert scrapers.scraped(41.0) == 30.0
    scraped(scrapers, 60.0, "one")
    assert scrapers.scraped(61.0) == 40.0


def test_who_stays_away_is_waited_for_a_period() -> None:
    """A Prometheus that was removed holds up a hand-over no longer than that."""
    scrapers = Scrapers(PERIOD)
    for began in (0.0, 30.0):
        scraped(scrapers, began, "one")

    assert scrapers.scraped(75.0) == 30.0
    assert scrapers.scraped(75.1) == math.inf


def test_who_comes_too_seldom_is_not_waited_for() -> None:
    """Longer than a period is more than was promised to wait."""
    scrapers = Scrapers(PERIOD)
    for began in (0.0, 60.0):
        scraped(scrapers, began, "seldom")

    assert scrapers.scraped(61.0) == math.inf


def test_a_scrape_that_overtakes_changes_nothing() -> None:
    """Of two at once the one that began later counts, whichever ends first."""
    scrapers = Scrapers(PERIOD)
    for began in (0.0, 30.0, 29.0):
        scraped(scrapers, began, "one")

    assert scrapers.scraped(31.0) == 30.0


def test_nothing_counts_as_heard_before_timestamps_in_the_future_are_past() -> None:
    """A sample without a timestamp is ignored until then."""
    scrapers = Scrapers(PERIOD)
    for began in (0.0, 30.0):
        scraped(scrapers, began, "one")
    scrapers.find("one").given = 62.0

    scraped(scrapers, 60.0, "one")
    assert scrapers.scraped(61.0) == 60.0
    scraped(scrapers, 61.0, "one")
    assert scrapers.scraped(61.0) == 60.0
    scraped(scrapers, 63.0, "one")
    assert scrapers.scraped(63.0) == 63.0


def test_a_flood_of_others_pushes_out_nobody_who_comes_regularly() -> None:
    """Their number is bounded, and those who are waited for stay."""
    scrapers = Scrapers(PERIOD)
    for began in (0.0, 30.0):
        scraped(scrapers, began, "one")

    for number in range(3 * MOST):
        scraped(scrapers, 31.0, f"other-{number}")

    assert len(scrapers._all) == MOST
    assert scrapers.scraped(32.0) == 30.0
    for began in (32.0, 33.0):
        for number in range(3 * MOST):
            scraped(scrapers, began, f"regular-{number}")
    assert len(scrapers._all) == MOST


def test_who_waits_is_told_of_each_scrape() -> None:
    """The membership looks again then."""
    told: list[int] = []
    scrapers = Scrapers(PERIOD, lambda: told.append(1))

    scraped(scrapers, 1.0, "one")

    assert told == [1]

"""Waits between attempts: how they grow, how they are spread, and when they are forgotten."""

import random

import pytest

from ksm_shard.cluster.backoff import Backoff


def test_waits_double_up_to_half_a_minute() -> None:
    """Waits lie between 0.8 and 30 s, and each is drawn from twice the range of the one before."""
    backoff = Backoff(lambda: 0.0, random.Random(1))

    waits = [backoff.next() for _ in range(20)]

    assert all(0.8 * 2**n <= wait <= 1.6 * 2**n for n, wait in enumerate(waits[:5]))
    assert all(15 <= wait <= 30 for wait in waits[5:])
    assert len({round(wait, 3) for wait in waits[5:]}) == 15


def test_healthy_spell() -> None:
    """Two minutes without a failure, counted from the end of the last wait, begin anew; a little less does not."""
    now = 0.0
    backoff = Backoff(lambda: now, random.Random(1))
    for _ in range(6):
        now += backoff.next()

    now += 119
    wait = backoff.next()
    assert wait >= 15

    now += wait + 121
    assert backoff.next() <= 1.6


def test_at_least_what_the_server_asks_for() -> None:
    """Retry-After only ever makes a wait longer."""
    backoff = Backoff(lambda: 0.0, random.Random(1))

    assert backoff.next(at_least=7) == 7
    assert backoff.next(at_least=0.1) > 0.8


@pytest.mark.parametrize("seconds", [86_400, 99_999_999_999, 10**400])
def test_not_for_ever(seconds: int) -> None:
    """Who asks for a day, or for more than a wait can be, is asked again in five minutes."""
    assert Backoff(lambda: 0.0, random.Random(1)).next(at_least=seconds) == 300

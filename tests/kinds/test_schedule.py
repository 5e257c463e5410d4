"""Cron schedules: how they are read, and when the next run is. What the families make of it is in the goldens."""

from datetime import datetime

import pytest

from ksm_shard.kinds._schedule import next_run, parse


def after(moment: str, text: str, zone: str | None = None) -> str | None:
    """Return when a schedule runs after that moment: ISO 8601, UTC."""
    found = next_run(parse(text, zone), int(datetime.fromisoformat(moment).timestamp()))
    return None if found is None else f"{datetime.fromtimestamp(found, parse('@hourly', None).zone):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("0 */6 * * *", "2024-01-31T12:00:00Z"),
        ("15 14 1 * *", "2024-02-01T14:15:00Z"),
        ("0 0 29 2 *", "2024-02-29T00:00:00Z"),
        ("5-10/2,30 8-10 * * *", "2024-01-31T10:05:00Z"),
        ("50/3 * * * *", "2024-01-31T10:50:00Z"),
        ("0 9 ? FEB-mar mon", "2024-02-05T09:00:00Z"),
        ("1,, 0 * * *", "2024-02-01T00:01:00Z"),
        ("@yearly", "2025-01-01T00:00:00Z"),
        ("@annually", "2025-01-01T00:00:00Z"),
        ("@monthly", "2024-02-01T00:00:00Z"),
        ("@weekly", "2024-02-04T00:00:00Z"),
        ("@daily", "2024-02-01T00:00:00Z"),
        ("@midnight", "2024-02-01T00:00:00Z"),
        ("@hourly", "2024-01-31T11:00:00Z"),
        ("@every 1h30m", "2024-01-31T11:30:00Z"),
        ("@every 1.5m", "2024-01-31T10:01:30Z"),
        ("TZ=Asia/Tokyo 0 0 * * *", "2024-01-31T15:00:00Z"),
        ("CRON_TZ=Asia/Tokyo @daily", "2024-01-31T15:00:00Z"),
    ],
)
def test_the_next_run_is_the_first_match_after_the_last(text: str, run: str) -> None:
    """All forms of robfig/cron's standard parser are understood."""
    assert run == after("2024-01-31T10:00:00Z", text)


@pytest.mark.parametrize("text", ["0 0 30 2 *", ", * * * *"])
def test_a_schedule_may_never_match(text: str) -> None:
    """A day that no month has, or an empty list, is valid and has no next run."""
    assert after("2024-01-31T10:00:00Z", text) is None


@pytest.mark.parametrize("moment", [-(2**63), -1, 2**63 - 1])
def test_moments_outside_the_calendar_have_no_next_run(moment: int) -> None:
    """No moment raises, however odd."""
    assert next_run(parse("0 0 * * *", "Europe/Berlin"), moment) is None


def test_without_a_star_either_field_of_days_suffices() -> None:
    """The 13th and every Friday; `*/2` is no star, because it has a step."""
    assert after("2024-09-01T00:00:00Z", "0 12 13 * 5") == "2024-09-06T12:00:00Z"
    assert after("2024-09-02T13:00:00Z", "0 12 */2 * 2") == "2024-09-03T12:00:00Z"
    assert after("2024-09-03T13:00:00Z", "0 12 */9 * 3") == "2024-09-04T12:00:00Z"


def test_with_a_star_both_fields_of_days_must_match() -> None:
    """Fridays only."""
    assert after("2024-09-01T00:00:00Z", "0 12 * * 5") == "2024-09-06T12:00:00Z"


def test_the_time_zone_decides_when_a_day_begins() -> None:
    """Without a time zone it is UTC."""
    assert after("2024-07-01T00:00:00Z", "0 3 * * *") == "2024-07-01T03:00:00Z"
    assert after("2024-07-01T00:00:00Z", "0 3 * * *", "Europe/Berlin") == "2024-07-01T01:00:00Z"


def test_a_time_that_a_clock_change_skips_is_no_run() -> None:
    """On 2024-03-31 there was no 02:30 in Berlin: the controller runs the job a day later."""
    assert after("2024-03-30T12:00:00Z", "30 2 * * *", "Europe/Berlin") == "2024-04-01T00:30:00Z"


def test_a_time_that_a_clock_change_repeats_is_two_runs() -> None:
    """On 2024-10-27 it was 02:30 in Berlin twice."""
    assert after("2024-10-26T12:00:00Z", "30 2 * * *", "Europe/Berlin") == "2024-10-27T00:30:00Z"
    assert after("2024-10-27T00:30:00Z", "30 2 * * *", "Europe/Berlin") == "2024-10-27T01:30:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 7",
        "*,99 * * * *",
        "5-1 * * * *",
        "1-2-3 * * * *",
        "*/0 * * * *",
        "*/60 * * * *",
        "0 1 */32,1-7 * 3",
        "1/x * * * *",
        "x * * * *",
        "* * L * *",
        "* * * * mon#2",
        "-1 * * * *",
        "@reboot",
        "@every",
        "@every 5",
        "@every 500ms",
        "@every -1h",
        "TZ=Mars/Olympus * * * * *",
        "TZ=UTC",
    ],
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    """It says what would be right."""
    with pytest.raises(ValueError, match="expected"):
        parse(text, None)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "Europe", "a\0b"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    """Whatever its lookup raises."""
    with pytest.raises(ValueError, match="expected a time zone"):
        parse("0 0 * * *", zone)


def test_a_time_zone_in_both_places_is_refused() -> None:
    """The API server refuses it too."""
    with pytest.raises(ValueError, match="expected a schedule of 5 fields"):
        parse("TZ=UTC 0 0 * * *", "UTC")

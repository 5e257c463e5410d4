"""Cron schedules: how they are read, and when the next run is. What the families make of it is in the goldens.

What is expected here robfig/cron v3.0.1 answered, the controller's library; where kube-state-metrics 2.20 says something else, a
comment tells.
"""

from datetime import UTC, datetime

import pytest

from ksm_shard.metrics.cron import next_run, parse


def after(moment: str, text: str, zone: str | None = None) -> str | None:
    """Return when a schedule runs after that moment: ISO 8601, UTC; None is never."""
    found = next_run(parse(text, zone), int(datetime.fromisoformat(moment).timestamp()))
    return None if found is None else f"{datetime.fromtimestamp(found, UTC):%Y-%m-%dT%H:%M:%SZ}"


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
        ("@every 1.9s", "2024-01-31T10:00:01Z"),
        ("@every 2562047h", "2316-05-12T09:00:00Z"),
        # To 2.20 less than a second is invalid.
        ("@every 500ms", "2024-01-31T10:00:01Z"),
        ("@every -1h", "2024-01-31T10:00:01Z"),
        ("@every 0", "2024-01-31T10:00:01Z"),
        ("*/2 */+3 * * *", "2024-01-31T12:00:00Z"),
        ("0 0 * * */7", "2024-02-04T00:00:00Z"),
        # To 2.20 N/step goes on to a Sunday that is 7: the 4th.
        ("0 0 * * 1/3", "2024-02-01T00:00:00Z"),
        ("0 0 * * 6/1", "2024-02-03T00:00:00Z"),
        ("0 *-3 * * *", "2024-01-31T11:00:00Z"),
        # To 2.20 both fields of days have to match, and none ever does.
        ("0 0 , * 1", "2024-02-05T00:00:00Z"),
        # To 2.20 too long.
        ("0" + ",0" * 600 + " 0 * * *", "2024-02-01T00:00:00Z"),
        ("TZ=Asia/Tokyo 0 0 * * *", "2024-01-31T15:00:00Z"),
        ("CRON_TZ=Asia/Tokyo @daily", "2024-01-31T15:00:00Z"),
    ],
)
def test_the_next_run_is_the_first_match_after_the_last(text: str, run: str) -> None:
    """All forms of robfig/cron's standard parser are understood."""
    assert run == after("2024-01-31T10:00:00Z", text)


@pytest.mark.parametrize(
    "text", ["0 0 30 2 *", "59 23 31 4,6,9,11 *", ", * * * *", "* , * * *", "* * , * *", "* * * , *", "* * * * ,"]
)
def test_a_schedule_that_never_matches_has_no_next_run(text: str) -> None:
    """A day that no month has, or an empty list, is valid. Both libraries make Go's zero time of it, the year one."""
    assert after("2024-01-31T10:00:00Z", text) is None


def test_a_run_more_than_five_years_ahead_is_none() -> None:
    """Both libraries give up, at the end of the fifth year."""
    assert after("2096-02-28T00:00:00Z", "0 0 29 2 *") == "2096-02-29T00:00:00Z"
    assert after("2096-02-29T00:00:00Z", "0 0 29 2 *") is None
    assert after("2099-01-01T00:00:00Z", "0 0 29 2 *") == "2104-02-29T00:00:00Z"


@pytest.mark.parametrize("moment", [-(2**63), -1, 2**63 - 1])
def test_moments_outside_the_calendar_have_no_next_run(moment: int) -> None:
    """No moment raises, however odd."""
    assert next_run(parse("0 0 * * *", "Europe/Berlin"), moment) is None


def test_without_a_star_either_field_of_days_suffices() -> None:
    """The 13th and every Friday; `*/2` is no star, because it has a step. To 2.20 it is any Friday the 13th."""
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


@pytest.mark.parametrize(
    ("zone", "text", "moment", "run"),
    [
        # Skipped, from 02:00 to 03:00. To 2.20 the run is that day, at 03:30.
        ("Europe/Berlin", "30 2 * * *", "2024-03-30T12:00:00Z", "2024-04-01T00:30:00Z"),
        ("America/New_York", "30 2 * * *", "2024-03-09T12:00:00Z", "2024-03-11T06:30:00Z"),
        ("Europe/Berlin", "30 * * * *", "2024-03-31T00:30:00Z", "2024-03-31T01:30:00Z"),
        # Repeated, from 02:00 to 03:00 and from 01:00 to 02:00.
        ("Europe/Berlin", "30 2 * * *", "2024-10-26T12:00:00Z", "2024-10-27T00:30:00Z"),
        ("Europe/Berlin", "30 2 * * *", "2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"),
        ("America/New_York", "30 1 * * *", "2024-11-03T05:30:00Z", "2024-11-03T06:30:00Z"),
        # Half an hour; searches that have to pass over it go on from half past.
        ("Australia/Lord_Howe", "16 0 * * *", "2032-10-02T15:59:58Z", "2032-10-04T13:16:00Z"),
        ("Australia/Lord_Howe", "1 1 * * *", "2015-10-03T15:30:00Z", "2015-10-05T14:01:00Z"),
        # From 02:45 to 03:45, and back. The first search goes back to where it began; cronsim 2.8 never returned from it.
        ("Pacific/Chatham", "45 3 * * *", "2021-04-03T14:00:00Z", "2021-04-03T14:00:00Z"),
        ("Pacific/Chatham", "51 2 * * *", "2035-09-29T12:49:05Z", "2035-09-29T14:06:00Z"),
        ("Pacific/Chatham", "33 4 * 9 *", "2029-09-29T14:00:01Z", "2030-08-31T15:48:00Z"),
        # Two hours.
        ("Antarctica/Troll", "36 1 * * *", "2013-10-26T23:59:17Z", "2013-10-27T01:36:00Z"),
        # No midnight, east of Greenwich: that Friday is passed over, or taken for the Thursday.
        ("Africa/Cairo", "0 12 * * 5", "2024-04-22T00:00:00Z", "2024-05-03T09:00:00Z"),
        ("Africa/Cairo", "0 12 * * 5", "2024-04-25T22:00:00Z", "2024-04-26T09:00:00Z"),
        ("Africa/Cairo", "30 5 25 4 *", "2024-04-25T12:00:00Z", "2024-04-26T02:30:00Z"),
        ("Asia/Tehran", "* * * * 4", "2018-03-21T03:36:40Z", "2018-03-28T19:30:00Z"),
        # No midnight, west of it.
        ("America/Santiago", "30 0 * * 0", "2024-09-06T00:00:00Z", "2024-09-15T03:30:00Z"),
        ("America/Santiago", "30 1 * * 0", "2024-09-06T00:00:00Z", "2024-09-08T04:30:00Z"),
        ("America/Havana", "15 0 * * *", "2024-11-03T04:15:00Z", "2024-11-03T05:15:00Z"),
    ],
)
def test_clock_changes(zone: str, text: str, moment: str, run: str) -> None:
    """A time that is skipped is no run, one that is repeated is two, and the search has ways of its own."""
    assert run == after(moment, text, zone)


def test_to_the_api_local_is_utc() -> None:
    """Both libraries ask for the zone of their container, which is UTC."""
    assert parse("0 0 * * *", "Local") == parse("0 0 * * *", None)


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
        "59/2 * * * *",
        "* * * * 6/2",
        "0 0 * * 1-3/3",
        "*/2/3 * * * *",
        " @daily",
        "@daily ",
        "1/x * * * *",
        "x * * * *",
        "* * L * *",
        "* * * * mon#2",
        "-1 * * * *",
        "@reboot",
        "@every",
        "@every 5",
        "@every 1d",
        "@every 1h ",
        "@every 100000000h",
        "@every 9223372036854775808ns",
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

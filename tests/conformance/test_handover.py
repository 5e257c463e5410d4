"""The hand-over tests of tests/e2e once more, against a real API server: what it measures is printed."""

from pathlib import Path
from urllib.parse import urlsplit

import yaml

from tests.conformance.reference import real
from tests.e2e.statefulset import Api, Fleet, timed
from tests.e2e.test_server_side import MODE, handed_over

STAYING = 600
CHANGES = 200.0


def test_no_series_is_missing_on_a_real_api_server(tmp_path: Path) -> None:
    """2 -> 3 -> 10 -> 4 and a rolling restart: zero missing; only a kill costs the killed shard's series until it is back."""
    with real("random", tmp_path) as flags, Fleet(api(tmp_path), flags, STAYING, CHANGES) as fleet:
        fleet.scale(2)
        missing = {
            "2 -> 3": timed("2 -> 3", fleet, lambda: fleet.scale(3))[0],
            "3 -> 10": timed("3 -> 10", fleet, lambda: fleet.scale(10))[0],
            "10 -> 4": timed("10 -> 4", fleet, lambda: fleet.scale(4))[0],
            "rolling restart": timed("rolling restart", fleet, lambda: fleet.roll(4))[0],
        }
        killed, _ = timed("kill", fleet, lambda: fleet.kill(1))

    assert dict.fromkeys(missing, 0) == missing
    assert killed < STAYING / 2


def test_no_series_is_missing_where_a_real_api_server_filters(tmp_path: Path) -> None:
    """2 -> 3 -> 2 and a restart with server-side filtering: zero missing, and `check` is right after each."""
    with (
        real("random", tmp_path, "--feature-gates=ShardedListAndWatch=true") as flags,
        Fleet(api(tmp_path), [*flags, MODE], STAYING, CHANGES / 4) as fleet,
    ):
        missing, checks, shown = handed_over(fleet)

    assert dict.fromkeys(missing, 0) == missing
    assert dict.fromkeys(checks, 0) == {what: status for what, (status, _) in checks.items()}, checks
    assert max(shown) < STAYING


def api(folder: Path) -> Api:
    """Return the way to the real API server whose files are in that folder."""
    config = yaml.safe_load((folder / "kubeconfig").read_text())
    server = config["clusters"][0]["cluster"]["server"]
    assert urlsplit(server).hostname == "127.0.0.1"
    return Api(server, token="admin")

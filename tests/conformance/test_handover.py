"""The hand-over tests of tests/e2e once more, against a real API server."""

from pathlib import Path
from urllib.parse import urlsplit

import yaml

from tests.conformance.reference import real
from tests.e2e.api import Api
from tests.e2e.load import Load
from tests.e2e.measured import CHANGES, HEADER, Tell, scale_restart_and_kill
from tests.e2e.statefulset import Fleet
from tests.e2e.test_server_side import MODE, scale_and_check

STAYING = 600


def test_no_series_is_missing_on_a_real_api_server(tmp_path: Path, record_property: Tell) -> None:
    """2 -> 3 -> 10 -> 4 and a rolling restart: zero missing; only a kill costs the killed shard's series until it is back."""
    record_property("measured", HEADER)
    with (
        real("random", tmp_path) as flags,
        api(tmp_path) as asked,
        Fleet(asked, flags, Load(asked, STAYING, CHANGES)) as fleet,
    ):
        scale_restart_and_kill(fleet, record_property)


def test_no_series_is_missing_where_a_real_api_server_filters(tmp_path: Path, record_property: Tell) -> None:
    """2 -> 3 -> 2 and a restart with server-side filtering: zero missing, and `check` is right after each."""
    record_property("measured", HEADER)
    with (
        real("random", tmp_path, "--feature-gates=ShardedListAndWatch=true") as flags,
        api(tmp_path) as asked,
        Fleet(asked, [*flags, MODE], Load(asked, STAYING, CHANGES / 4)) as fleet,
    ):
        scale_and_check(fleet, record_property)


def api(folder: Path) -> Api:
    """Return the way to the real API server whose files are in that folder."""
    config = yaml.safe_load((folder / "kubeconfig").read_text())
    server = config["clusters"][0]["cluster"]["server"]
    assert urlsplit(server).hostname == "127.0.0.1"
    return Api(server, token="admin")

"""The hand-over test of tests/e2e once more, against a real API server."""

from pathlib import Path
from urllib.parse import urlsplit

import yaml

from tests.conformance.reference import real
from tests.e2e.api import Api
from tests.e2e.load import Load
from tests.e2e.measured import CHANGES, HEADER, Tell, scale_restart_and_kill
from tests.e2e.statefulset import Fleet

STAYING = 600


def test_no_series_is_missing_on_a_real_api_server(tmp_path: Path, record_property: Tell) -> None:
    """2 -> 3 -> 10 -> 4 and a rolling restart: zero missing; only a kill costs the killed shard's series until it is back."""
    record_property("measured", HEADER)
    with real("random", tmp_path) as flags:
        config = yaml.safe_load((tmp_path / "kubeconfig").read_text())
        server = config["clusters"][0]["cluster"]["server"]
        assert urlsplit(server).hostname == "127.0.0.1"
        with Api(server, token="admin") as api, Fleet(api, flags, Load(api, STAYING, CHANGES)) as fleet:
            scale_restart_and_kill(fleet, record_property)

"""etcd is restored from a backup: the scrape equals that of a fresh process within a minute, on the simulator and for real."""

import time
from pathlib import Path

import pytest

from ksm_shard.simulator.simulator import Simulator
from tests.e2e.api import Api
from tests.e2e.realapi import RealApi
from tests.e2e.test_storm import lines, pod
from tests.processes import Exporter, eventually

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
MINUTE = 60.0


@pytest.mark.parametrize("flags", [(), ("--use-apiserver-cache",)])
def test_on_the_simulator(flags: tuple[str, ...]) -> None:
    """What was made since the backup is gone, what was deleted is back, and a metric says why everything was listed."""
    simulator = Simulator([pod(f"p{number}", "Running", 0) for number in range(20)])
    with simulator, Exporter(f"--apiserver={simulator.url}", "--resources=pods,nodes", *flags) as old:
        old.ready()
        simulator.back_up()
        simulator.delete("pods", "p7", "n")
        for number in range(10):
            simulator.put(pod(f"ghost-{number}", "Running", 0))
        eventually(lambda: "ghost-9" in old.scrape() and '"p7"' not in old.scrape(), "no news before the restore")

        simulator.restore()
        eventually(lambda: "ghost" not in old.scrape() and '"p7"' in old.scrape(), "the restore went unnoticed")
        simulator.put(pod("after", "Running", 0))
        with Exporter(f"--apiserver={simulator.url}", "--resources=pods,nodes") as fresh:
            expected = lines(fresh.ready())
        eventually(lambda: lines(old) == expected, "it is not what a fresh process has")

        assert 'ksm_shard_relists_total{reason="restored",resource="pods"} 1.0' in old.scrape_telemetry()


@pytest.mark.real
def test_for_real(tmp_path: Path) -> None:
    """A real API server does not say of itself that it has gone back: within a minute of its return that is noticed."""
    with RealApi(tmp_path) as server:
        with server.admin() as api:
            make(api, "kept", "deleted")
        server.stop()
        server.back_up()
        server.start()
        flags = (f"--kubeconfig={server.kubeconfig}", "--resources=configmaps,namespaces,secrets")
        with Exporter(*flags) as old:
            old.ready()
            with server.admin() as api:
                # The server makes some hundred versions of its own while it starts; the backup is to be older than that.
                make(api, *(f"ghost-{number}" for number in range(500)))
                api.delete(f"{CONFIG_MAPS}/deleted", 0)
            eventually(
                lambda: "ghost-499" in old.scrape() and '"deleted"' not in old.scrape(), "no news before the restore"
            )

            server.stop()
            server.restore()
            server.start()
            back = time.monotonic()
            eventually(
                lambda: "ghost" not in old.scrape() and '"deleted"' in old.scrape(), "the restore went unnoticed"
            )
            assert time.monotonic() - back < MINUTE
            with server.admin() as api:
                make(api, "after")
            with Exporter(*flags) as fresh:
                expected = lines(fresh.ready())
            eventually(lambda: lines(old) == expected, "it is not what a fresh process has", lambda: "\n".join(old.log))

            assert 'ksm_shard_relists_total{reason="restored",resource="configmaps"} 1.0' in old.scrape_telemetry()


def make(api: Api, *names: str) -> None:
    """Create config maps."""
    for name in names:
        api("POST", CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})

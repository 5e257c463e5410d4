"""A group version that an older server does not have: told, not waited for, and picked up once it is there.

That it is asked for again after 30 to 60 seconds is in tests/cluster/test_reflector.py; here those seconds take no time.
"""

import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ksm_shard.cluster.client import connect
from ksm_shard.cluster.reader import Reader
from ksm_shard.collector.collector import Collector
from ksm_shard.collector.exposed import joined
from ksm_shard.collector.informer import Informer
from ksm_shard.collector.targets import Scope, targets
from ksm_shard.kinds import resources
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.state import static
from ksm_shard.simulator.resources import ServedResource
from ksm_shard.simulator.simulator import Simulator
from ksm_shard.store.pages import text_pieces
from tests.e2e.test_storm import pod
from tests.processes import Exporter, eventually

# The only resource of its group, so that without it the server has no such group version.
LEASES = ServedResource("coordination.k8s.io", "v1", "leases", "Lease")


def lease(name: str) -> dict[str, Any]:
    """Return a lease."""
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"namespace": "n", "name": name}}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """An API server with a pod and a lease, which has forgotten the API of leases."""
    with Simulator([pod("p", "Running", 0), lease("first")]) as made:
        made.withdraw("leases")
        yield made


class Passing(threading.Event):
    """The stop of a reflector whose waits are over at once; what is to happen meanwhile does.

    Attributes:
        waits: the seconds of each.
    """

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        """Call `meanwhile` in every wait."""
        super().__init__()
        self.waits: list[float] = []
        self._meanwhile = meanwhile

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        self._meanwhile()
        return self.is_set()


def text_of(collector: Collector) -> str:
    """Return what a scrape takes."""
    return b"".join(text_pieces(joined(collector.exposed(openmetrics=False)))).decode()


def following(
    simulator: Simulator, stop: Passing, clock: Callable[[], float] = time.monotonic
) -> tuple[Collector, Informer]:
    """Follow the leases, with that stop and that clock of the collector's."""
    ownership = Ownership(MMH3, static(MMH3, 0, 1).held)
    resource = resources()["leases"]
    collector = Collector(resource, resource.families, ownership, clock)
    (target,) = targets(resource, Scope())
    return collector, collector.follow(target, Reader(connect(simulator.url), target), stop)


def readyz(one: Exporter) -> str:
    """Return what the probe is told."""
    try:
        return one.scrape("/readyz")
    except urllib.error.HTTPError as error:
        return error.read().decode()


def test_a_process_is_ready_without_it(simulator: Simulator) -> None:
    """The rest is served; a metric and one line of log say what is absent, and /readyz names it as not waited for.

    That is no failed list: an alert on those, as everybody has it, would fire in each cluster without the API.
    """
    with Exporter(f"--apiserver={simulator.url}", "--resources=leases,pods") as one:
        text = one.ready().scrape()
        own = one.scrape_telemetry()
        lines = [line for line in one.log if "leases" in line]

        assert "kube_pod_info{" in text
        assert "kube_lease" not in text
        assert "leases: absent (not waited for)\n" in one.scrape("/readyz")
        assert 200 == one.status("/metrics?resources=leases")

    assert 'ksm_shard_state{resource="leases",state="absent"} 1.0' in own
    assert 'ksm_shard_synced{resource="leases"} 0.0' in own
    assert 'ksm_shard_watch_errors_total{error="absent",resource="leases"}' in own
    for result in ("error", "success"):
        assert f'kube_state_metrics_list_total{{resource="*v1.Lease",result="{result}"}} 0.0' in own
    assert 1 == len(lines), lines
    assert " INFO leases: /apis/coordination.k8s.io/v1/leases: 404 " in lines[0]
    assert lines[0].endswith("; skipped until the API server has it")


def test_one_refusal_is_not_enough(simulator: Simulator) -> None:
    """A 403 that passes, as while rights are being loaded, delays the first list by a second or two, no more."""
    simulator.faults.add("403", "pods", count=1)

    with Exporter(f"--apiserver={simulator.url}", "--resources=pods") as one:
        assert "kube_pod_info{" in one.ready().scrape()
        assert any("403" in line for line in one.log)


def test_nothing_that_can_be_read_is_not_ready(simulator: Simulator) -> None:
    """A server that knows nothing of what is asked for may be no API server, but what a load balancer has in its place."""
    with Exporter(f"--apiserver={simulator.url}", "--resources=leases") as one:
        eventually(lambda: "nothing that is followed can be read" in readyz(one), "it says why it is not ready")

        assert (503, 503) == (one.status("/readyz"), one.status("/metrics"))


def test_it_is_picked_up_when_it_is_served(simulator: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    """After the next wait its objects are listed and watched; each attempt before that failed, and one line of log said so."""
    caplog.set_level("INFO")
    attempts = []

    def meanwhile() -> None:
        attempts.append(informer.reflector.state)
        if len(attempts) == 3:
            simulator.serve(LEASES)

    stop = Passing(meanwhile)
    collector, informer = following(simulator, stop)
    reflector = informer.reflector
    informer.thread.start()
    try:
        eventually(lambda: 'lease="first"' in text_of(collector), "the lease was never listed", lambda: caplog.text)
        simulator.put(lease("second"))
        eventually(lambda: 'lease="second"' in text_of(collector), "the lease was never watched", lambda: caplog.text)

        assert ["absent"] * 3 == attempts
        assert 1 <= stop.waits[0] <= 2
        assert all(30 <= seconds <= 60 for seconds in stop.waits[1:])
        assert {"absent": 3} == {name: count for name, count in collector.stats.failures.items() if count}
        assert ("watching", "") == (reflector.state, reflector.last_error)
        assert ["INFO"] == [
            record.levelname for record in caplog.records if "/leases" in record.message and "skipped" in record.message
        ]
        assert {"success": 1, "error": 0} == dict(collector.stats.lists)
    finally:
        reflector.stop()
        informer.thread.join()


def test_it_goes_with_its_objects_when_it_is_served_no_more(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """A version of an API that was followed and is removed leaves no series behind, and is followed again when it is back."""
    simulator.serve(LEASES)
    texts = []

    def meanwhile() -> None:
        texts.append("first" in text_of(collector))
        if len(texts) == 4:
            simulator.serve(LEASES)

    collector, informer = following(simulator, Passing(meanwhile))
    informer.thread.start()
    try:
        eventually(lambda: 'lease="first"' in text_of(collector), "never listed", lambda: caplog.text)
        simulator.withdraw("leases")
        simulator.faults.add("drop", "leases")
        eventually(lambda: len(texts) >= 4, "never missed", lambda: caplog.text)
        eventually(lambda: 'lease="first"' in text_of(collector), "never listed again", lambda: caplog.text)

        # In the waits after the cut, after the first 404, the second and the third.
        assert [True, True, False, False] == texts
        assert 1 == sum("has it no longer" in record.message for record in caplog.records)
    finally:
        informer.reflector.stop()
        informer.thread.join()

"""Custom resources while a fleet is scaled and restarted, scraped each 0.2 s: as built-in ones, nothing is missing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.api import Api, simulated
from tests.e2e.load import NAMESPACE, Beside, Load
from tests.e2e.measured import HEADER, Tell, complete, measured
from tests.e2e.statefulset import Fleet
from tests.e2e.test_custom import ENTRY, GROUP, crd

pytestmark = pytest.mark.slow

STAYING: Final = 200
# A second, for one core beside three exporters that are scraped five times a second.
CHANGES: Final = 50.0
EVERY: Final = 0.2
LABELS: Final = "{namespace: [metadata, namespace], pot: [metadata, name]}"
FILE: Final = "spec:\n  resources:" + (ENTRY % ("Pot", "pot")).replace("{name: [metadata, name]}", LABELS)


def pot(name: str) -> dict[str, Any]:
    """Return a pot."""
    metadata = {"namespace": NAMESPACE, "name": name}
    return {"apiVersion": f"{GROUP}/v1", "kind": "Pot", "metadata": metadata, "spec": {"litres": 1}}


POTS: Final = Beside(
    "pot", f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}/pots", pot, lambda turn: {"spec": {"litres": turn}}
)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet of no shards yet, which is to export pods and pots."""
    (tmp_path / "crs.yaml").write_text(FILE)
    with simulated() as url, Api(url) as api:
        api("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd("Pot", "v1"))
        flags = [f"--apiserver={url}", f"--custom-resource-state-config-file={tmp_path}/crs.yaml"]
        with Fleet(api, flags, Load(api, STAYING, CHANGES, beside=POTS), resources="pods", every=EVERY) as made:
            yield made


def test_no_series_is_missing(fleet: Fleet, record_property: Tell) -> None:
    """2 -> 3 -> 2 and a rolling restart: zero missing, and each series once after that."""
    record_property("measured", HEADER)
    fleet.scale(2)
    fleet.settled()
    fleet.expect()
    steps = [
        measured("2 -> 3", fleet, lambda: fleet.scale(3), record_property),
        measured("3 -> 2", fleet, lambda: fleet.scale(2), record_property),
        measured("rolling restart of 2", fleet, fleet.roll, record_property),
    ]

    complete(steps)
    assert sum(step.rounds for step in steps) > sum(step.seconds for step in steps)
    assert STAYING // 2 == sum("pot_litres{" in series for series in fleet.scrapes.series)

"""Every scrape that kube-state-metrics made of the conformance objects, made by us: no difference, alone and as a fleet.

The reference never saw KubeSphere's users, and a real API server has resource versions and leases of its own.
"""

import re
from pathlib import Path

import pytest

from tests.conformance.reference import compare, runs
from tests.processes import Exporter, fleet

# On the real server: versions are its own, and so are the Lease and the addresses that it writes of itself.
OWN = r"kube_\w+_metadata_resource_version|kube_lease_.*|kube_endpoint.*"
ELSEWHERE = rf"(?!{OWN})"


@pytest.fixture(params=sorted(runs()))
def run(request: pytest.FixtureRequest) -> str:
    """The name of a run of the reference."""
    return str(request.param)


def scrapes(exporters: list[Exporter], folder: Path) -> list[str]:
    """Write the scrape of each shard to a file, without the families that the reference does not know."""
    files = []
    for number, exporter in enumerate(exporters):
        file = folder / f"{number}.prom"
        file.write_text(re.sub(r"(?m)^(# (HELP|TYPE) )?kube_user_.*\n", "", exporter.scrape()))
        files.append(str(file))
    return files


@pytest.mark.parametrize("shards", [1, 3])
def test_a_fleet_exposes_what_the_reference_exposes(
    cluster: tuple[str, str, list[str]], run: str, shards: int, tmp_path: Path
) -> None:
    """The scrapes of all shards add up to exactly the reference's scrape."""
    kind, case, flags = cluster

    with fleet(shards, *flags, *runs()[run]) as exporters:
        files = scrapes(exporters, tmp_path)

    compare(case, run, *files, families=f"{ELSEWHERE}.*" if kind == "real" else ".*")

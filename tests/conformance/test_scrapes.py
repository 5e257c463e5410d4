"""Every scrape that kube-state-metrics made of the conformance objects, made by us: no difference, alone and as a fleet."""

import re
from pathlib import Path

import pytest

from tests.conformance.reference import CASES, compare, expected_of, runs
from tests.processes import fleet

# The reference never saw KubeSphere's users. The API server that it watched renewed a lease of its own between the two.
ELSEWHERE = r"kube_user_|kube_lease_renew_time\{lease=\"apiserver-"
# On another API server resource versions are others, and so are the lease and the addresses that it writes of itself.
OF_ITSELF = (
    r"kube_\w+_metadata_resource_version\{|kube_lease_\w+\{lease=\"apiserver-|kube_endpoint\w+\{.*=\"kubernetes\""
)


def adds(server: str, case: str, run: str, shards: int) -> bool:
    """Tell whether this says something that no other does: all combinations are 68, of 360 processes.

    Flags are obeyed alike alone and in a fleet, and by both servers, but for namespaces, which make other requests.
    """
    if server == "real":
        return (run, shards) in {("all", 3), ("ns", 3), ("nsdeny", 1)}
    return shards == 1 or (case == "random" and shards in {3, 10}) or (run == "all" and shards == 3)


# Each run alone and as a small fleet; the one with the most families, of all resources, in fleets of other sizes too.
FLEETS = [(run, shards) for run in sorted(runs()) for shards in (1, 3)] + [("all", shards) for shards in (2, 10, 50)]
SERVED = [
    pytest.param(f"{server}-{case}", run, shards, marks=() if adds(server, case, run, shards) else pytest.mark.slow)
    for server in ("simulator", "real")
    for case in CASES
    for run, shards in FLEETS
]


@pytest.mark.parametrize(("cluster", "run", "shards"), SERVED, indirect=["cluster"])
def test_a_fleet_exposes_what_the_reference_exposes(
    cluster: tuple[str, str, list[str]], run: str, shards: int, tmp_path: Path
) -> None:
    """The scrapes of all shards add up to exactly the reference's scrape."""
    kind, case, flags = cluster
    passed_over = re.compile(
        rf"(?m)^(?:# (?:HELP|TYPE) )?(?:{ELSEWHERE}{'|' + OF_ITSELF if kind == 'real' else ''}).*\n"
    )

    with fleet(shards, *flags, *runs()[run]) as exporters:
        texts = [expected_of(case, run), *(exporter.scrape() for exporter in exporters)]
    files = [tmp_path / f"{number}.prom" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(passed_over.sub("", text))

    compare(*files)

"""Custom Resource State files of the reference with servers: one exporter and a fleet of three, on the simulator and for real.

Each case has groups of its own, so most share a file here, which saves 170 starts; each by itself is in test_custom.py.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from ksm_shard.custom.entries import CustomMetric
from ksm_shard.custom.file import read
from ksm_shard.custom.resolve import identifies
from tests.conformance.test_custom import CASES, NAMES, module
from tests.e2e.api import simulated
from tests.e2e.realapi import RealApi
from tests.processes import fleet

ONLY: Final = ["--custom-resource-state-only=true"]
GROUP: Final = re.compile(r'customresource_group="([^"]*)"')
# The family of a sample or of a header.
NAME: Final = re.compile(r"(?:(?<=^# HELP )|(?<=^# TYPE )|^(?!#))[^{ ]+")


class Cluster(NamedTuple):
    """A server that has the objects of all cases, and the script that filled it."""

    flag: str
    run: Any


def on_simulator(_: Path, fill: Callable[[str, str, str | None], None]) -> Iterator[str]:
    """The simulator."""
    with simulated() as url:
        fill(url, "", None)
        yield f"--apiserver={url}"


def on_real(folder: Path, fill: Callable[[str, str, str | None], None]) -> Iterator[str]:
    """A real API server, filled through etcd, which has the port after its own."""
    with RealApi(folder) as server:
        fill(server.url, "admin", f"http://127.0.0.1:{int(server.url.rpartition(':')[2]) + 1}")
        yield f"--kubeconfig={server.kubeconfig}"


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The server of the parameter, with all cases."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.dont_write_bytecode", True)
        run = module("run", CASES.parent / "run.py")

    def fill(url: str, token: str, etcd: str | None) -> None:
        run.Server(url, token, etcd).fill([run.Case(CASES / name) for name in NAMES])

    for flag in request.param(tmp_path_factory.mktemp("server"), fill):
        yield Cluster(flag, run)


def flags(name: str) -> list[str]:
    """Return the flags of a case."""
    path = CASES / name / "flags"
    return path.read_text().split() if path.exists() else ONLY


def refused(name: str) -> bool:
    """Tell whether the file of a case cannot be used, which test_custom.py finds right or wrong."""
    return any(problem.fatal for problem in read((CASES / name / "config.yaml").read_bytes())[1])


TOGETHER: Final = [name for name in NAMES if flags(name) == ONLY and not refused(name)]
APART: Final = [name for name in NAMES if flags(name) != ONLY]


def joined(names: Sequence[str]) -> str:
    """Return one file with the entries of several cases, scalars as they are written there."""
    entries: list[yaml.Node] = []
    for name in names:
        root: Any = next(yaml.compose_all((CASES / name / "config.yaml").read_bytes()))
        spec = next(value for key, value in root.value if key.value == "spec")
        entries += next((value.value for key, value in spec.value if key.value == "resources"), [])
    tree: yaml.Node = yaml.SequenceNode("tag:yaml.org,2002:seq", entries)
    for key in ("resources", "spec"):
        tree = yaml.MappingNode("tag:yaml.org,2002:map", [(yaml.ScalarNode("tag:yaml.org,2002:str", key), tree)])
    return str(yaml.serialize(tree, allow_unicode=True))


def metrics(name: str) -> list[CustomMetric]:
    """Return the metrics of a case."""
    entries, _ = read((CASES / name / "config.yaml").read_bytes())
    return [metric for entry in entries for metric in entry.metrics]


def part(text: str, groups: set[str], families: set[str], headers: set[str]) -> str:
    """Return the samples of a case: of its families and groups; and the headers of those, and of some more."""
    lines = [(found[0], line) for line in text.split("\n") if (found := NAME.search(line))]
    samples = [
        (family, line)
        for family, line in lines
        if line[0] != "#" and family in families and (found := GROUP.search(line)) and found[1] in groups
    ]
    headers = headers | {family for family, _ in samples}
    return "\n".join(
        line for family, line in lines if (family, line) in samples or (line[0] == "#" and family in headers)
    )


def expected(name: str) -> list[str]:
    """Return what is right of a case: what the reference says, or what a better exporter does."""
    files = [CASES / name / file for file in ("right.prom", "expected.prom")]
    return [path.read_bytes().decode() for path in files if path.exists()]


def differences(run: Any, name: str, text: str) -> list[str]:
    """Return what differs in a scrape from what is right of a case."""
    compare = run.find_compare(None)
    return list(min((run.differences(compare, wanted, text, False) for wanted in expected(name)), key=len))


def differing(run: Any, names: Sequence[str], text: str) -> dict[str, list[str]]:
    """Return the differences of each case that has any, of the scrape of a file with all of them."""
    found = {}
    for name in names:
        groups = {crd["spec"]["group"] for crd in run.Case(CASES / name).crds}
        headers = {line.split(" ")[2] for wanted in expected(name) for line in wanted.split("\n") if line[:1] == "#"}
        families = {metric.name for metric in metrics(name)}
        found[name] = differences(run, name, part(text, groups, families, headers))
    return {name: problems for name, problems in found.items() if problems}


def together(names: Sequence[str], texts: Sequence[str]) -> str:
    """Return what several shards say of cases as one scrape: each header once.

    A series that nothing tells apart is there once as well: each shard has it of its own first object, a known limit.
    """
    if len(texts) == 1:
        return texts[0]
    told = {one.name for name in names for one in metrics(name)}
    told -= {one.name for name in names for one in metrics(name) if not identifies(one, namespaced=True)}
    seen: set[str] = set()
    lines = []
    for line in (line for text in texts for line in text.split("\n") if line):
        family, series = NAME.search(line), line if line[0] == "#" else line.rpartition(" ")[0]
        if series not in seen or (line[0] != "#" and family and family[0] in told):
            lines.append(line)
        seen.add(series)
    return "\n".join(lines)


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("cluster", [on_simulator, on_real], indirect=True)
def test_most_cases(cluster: Cluster, shards: int, tmp_path: Path) -> None:
    """All cases without flags of their own, from one file; three shards add up to the same."""
    path = tmp_path / "config.yaml"
    path.write_text(joined(TOGETHER))
    with fleet(shards, *ONLY, f"--custom-resource-state-config-file={path}", cluster.flag) as exporters:
        found = differing(cluster.run, TOGETHER, together(TOGETHER, [one.scrape() for one in exporters]))

    assert {} == found
    assert len(TOGETHER) >= 43


# Flags are obeyed alike by a fleet as alone, and whoever serves the objects: what is slow says both once more.
@pytest.mark.parametrize(
    ("cluster", "shards"),
    [
        (on_simulator, 1),
        (on_real, 3),
        pytest.param(on_simulator, 3, marks=pytest.mark.slow),
        pytest.param(on_real, 1, marks=pytest.mark.slow),
    ],
    indirect=["cluster"],
)
@pytest.mark.parametrize("name", APART)
def test_case_with_flags(cluster: Cluster, name: str, shards: int) -> None:
    """Each case with flags of its own, from its file."""
    file = f"--custom-resource-state-config-file={CASES / name / 'config.yaml'}"
    with fleet(shards, *flags(name), file, cluster.flag) as exporters:
        assert [] == differences(cluster.run, name, together([name], [one.scrape() for one in exporters]))

"""A file of --config that changes under a running exporter: what scrapes see meanwhile, and what is in force afterwards.

Which collectors a change concerns is in tests/collector/test_recipe.py; mistakes in the file are in tests/settings/test_live.py.
"""

import gc
import linecache
import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ksm_shard import assembly
from ksm_shard.collector.collector import Collector
from ksm_shard.commands.check import main as check
from ksm_shard.exporter import Exporter
from ksm_shard.kinds import names, resources
from ksm_shard.settings import Check, live, parse
from ksm_shard.simulator.simulator import Simulator
from ksm_shard.store.pages import text_pieces
from ksm_shard.web.scrapers import Scraper
from ksm_shard.web.source import Scrape
from tests.e2e.api import Api, simulated
from tests.e2e.load import Load
from tests.e2e.measured import CHANGES, Tell, complete, measured
from tests.e2e.statefulset import Fleet
from tests.e2e.test_custom import ENTRY, GROUP, POTS, crd, vessel
from tests.e2e.test_storm import node, pod
from tests.processes import Exporter as Process
from tests.processes import eventually

THREADS = {"config", "custom resources", "customresourcedefinitions", *names()}
ALL_OF_IT = Scrape(lambda _: True, openmetrics=False, scraper=Scraper(), draining=False)
Config = dict[str, Any]
# Turned into one another, they have families, allowlists, namespaces and resources come and go.
CONFIGS: Sequence[Config] = (
    {"resources": ["pods", "nodes"]},
    {"resources": ["pods", "nodes"], "metric_denylist": ["kube_pod_info"]},
    {"resources": ["pods", "nodes", "namespaces"], "labels_allow_list": {"pods": ["*"]}},
    {"resources": ["pods"], "labels_allow_list": {"pods": ["app"]}, "annotations_allow_list": {"*": ["*"]}},
    {"resources": ["pods", "namespaces", "secrets"], "namespaces": ["n"]},
    {"resources": ["pods", "nodes"], "namespaces": ["m"], "metric_allowlist": ["_info$", "_phase$"]},
    {"resources": ["nodes"]},
    {"resources": ["pods", "nodes"], "namespaces_denylist": ["m"]},
    {"resources": ["pods", "nodes"], "custom_resource_config": POTS},
    {"custom_resource_config": POTS + ENTRY % ("Pan", "pan"), "custom_resources_only": True},
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """An API server with pods in two namespaces, nodes, and custom resources of two kinds."""
    objects = [pod(f"p{number}", "Running", 0) for number in range(20)]
    for number in range(20):
        objects.append(pod(f"q{number}", "Pending", 0))
        objects[-1]["metadata"]["namespace"] = "m"
    objects += [node(f"node-{number}", unschedulable=False) for number in range(5)]
    objects += [crd("Pot", "v1"), crd("Pan", "v1"), vessel("Pot", "big", 9), vessel("Pan", "flat", 2)]
    with Simulator(objects) as made:
        yield made


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """Have files looked at much more often than is needed."""
    level = logging.getLogger().level
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "EVERY", 0.01)
        patch.setattr(live, "SETTLED", 0.005)
        yield
    logging.getLogger().setLevel(level)


class Reloaded:
    """An exporter in this process, with a file.

    Attributes:
        exporter: the exporter.
    """

    def __init__(self, simulator: Simulator, path: Path, config: Config, *flags: str) -> None:
        """Start it."""
        self._path = path
        self.write(config)
        argv = [f"--apiserver={simulator.url}", f"--config={path}", *flags]
        self.exporter = assembly.start(parse(argv, {}), lambda content: parse(argv, {}, content=content))

    def write(self, config: Config | str) -> None:
        """Replace the file, as a kubelet does."""
        new = self._path.with_name(f"{self._path.name}.new")
        new.write_text(config if isinstance(config, str) else yaml.safe_dump(config))
        new.replace(self._path)

    def turn(self, config: Config) -> None:
        """Have another file in force, and loaded."""
        self.write(config)
        eventually(lambda: self.exporter.status().config.content == self._path.read_bytes(), "not in force")  # type: ignore[union-attr]
        self.loaded()

    def loaded(self) -> None:
        """Wait until everything that there should be is in scrapes."""
        eventually(lambda: is_loaded(self.exporter), "not loaded", lambda: str(self.exporter.readiness()))


def is_loaded(one: Exporter) -> bool:
    """Tell whether nothing is awaited any more: no list, no replacement, no discovery."""
    one.scrape(ALL_OF_IT)
    return (
        one.readiness().ready
        and not one._collectors.loading
        and all(each.shown or each.exempt for each in one._collectors.exported.values())
        and not (one._custom.awaited() or getattr(one._custom, "_redeclared", None))
    )


def text_of(one: Exporter) -> str:
    """Return a scrape."""
    bodies = one.scrape(ALL_OF_IT)
    assert bodies is not None
    return b"".join(text_pieces(bodies)).decode()


def series(text: str) -> list[str]:
    """Return the series of a scrape, with their values."""
    return [line for line in text.splitlines() if line[0] != "#"]


def fresh(simulator: Simulator, config: Config, *flags: str) -> list[str]:
    """Return the lines of a scrape of an exporter that began with a file; sorted."""
    content = yaml.safe_dump(config).encode()
    one = assembly.start(parse([f"--apiserver={simulator.url}", "--config=/file", *flags], {}, content=content))
    try:
        eventually(lambda: is_loaded(one), "a fresh one is not loaded", lambda: str(one.readiness()))
        return sorted(text_of(one).splitlines())
    finally:
        one.close()


@contextmanager
def reloaded(simulator: Simulator, path: Path, config: Config, *flags: str) -> Iterator[Reloaded]:
    """Run an exporter with a file."""
    one = Reloaded(simulator, path, config, *flags)
    try:
        one.loaded()
        yield one
    finally:
        one.exporter.close()


def becomes(one: Reloaded, expected: list[str]) -> None:
    """Wait until a scrape is as expected."""
    eventually(lambda: sorted(text_of(one.exporter).splitlines()) == expected, "it is not as a fresh one")


class Watcher:
    """Scrapes all shards again and again, and tells what was amiss.

    Attributes:
        must: series that each scrape has to have.
        amiss: what was not as it should be.
        scrapes: number of scrapes.
    """

    def __init__(self, shards: Sequence[Exporter]) -> None:
        """Begin to scrape."""
        self._shards = shards
        self._over = threading.Event()
        self.must: frozenset[str] = frozenset()
        self.amiss: list[str] = []
        self.scrapes = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        """Scrape no more."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.01):
            must, found = self.must, Counter[str]()
            for one in self._shards:
                try:
                    found.update(series(text_of(one)))
                except Exception as error:  # noqa: BLE001  a scrape that fails is told with the others
                    self.amiss.append(repr(error))
            must &= self.must
            self.amiss += [f"missing: {one}" for one in must - found.keys()]
            self.amiss += [f"doubled: {one}" for one, count in found.items() if count > 1]
            self.scrapes += 1


@pytest.mark.parametrize("shards", [1, 2])
def test_scrapes_while_the_file_changes(simulator: Simulator, tmp_path: Path, shards: int) -> None:
    """In 20 changes no scrape fails, misses a series that both settings have, or has one twice; then all is as if begun so."""
    ends = [[f"--shard={shard}", f"--total-shards={shards}"] for shard in range(shards)]
    expected = [[fresh(simulator, config, *flags) for flags in ends] for config in CONFIGS]
    whole = [frozenset(one for lines in each for one in series("\n".join(lines))) for each in expected]
    order = [number * 7 % len(CONFIGS) for number in range(21)]
    with ExitStack() as stack:
        running = [
            stack.enter_context(reloaded(simulator, tmp_path / f"{shard}.yaml", CONFIGS[0], *flags))
            for shard, flags in enumerate(ends)
        ]
        watcher = Watcher([one.exporter for one in running])
        stack.callback(watcher.end)
        for before, after in pairwise(order):
            watcher.must = whole[before] & whole[after]
            for shard, one in enumerate(running):
                one.turn(CONFIGS[after])
                becomes(one, expected[after][shard])
        watcher.end()

    assert [] == watcher.amiss[:5]
    assert watcher.scrapes > 20


RESOURCES = st.sets(st.sampled_from(["pods", "nodes", "namespaces", "secrets", "leases"]), min_size=1).map(sorted)


def test_objects_that_come_meanwhile(tmp_path: Path) -> None:
    """A pod that was in a scrape is in all later ones, also if it was created while a new collector listed."""
    amiss: list[str] = []
    with Simulator([pod(f"p{number}", "Running", 0) for number in range(300)]) as busy:
        stop = threading.Event()

        def create() -> None:
            number = 0
            while not stop.wait(0.002):
                busy.put(pod(f"new{number}", "Pending", 0))
                number += 1

        def scrape() -> None:
            seen = frozenset[str]()
            while not stop.wait(0.005):
                found = frozenset(line for line in series(text_of(one.exporter)) if line.startswith("kube_pod_owner"))
                amiss.extend(seen - found)
                seen |= found

        with reloaded(busy, tmp_path / "config.yaml", {"resources": ["pods"]}) as one:
            threads = [threading.Thread(target=create), threading.Thread(target=scrape)]
            for thread in threads:
                thread.start()
            try:
                for number in range(8):
                    one.turn({"resources": ["pods"], "labels_allow_list": {"pods": [str(number)]}})
            finally:
                stop.set()
                for thread in threads:
                    thread.join()

    assert [] == amiss[:3]


OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "namespaces": st.sampled_from([[], ["n"], ["m"], ["n", "m"], ["none"]]),
    "namespaces_denylist": st.sampled_from([[], ["n"], ["none"]]),
    "metric_allowlist": st.sampled_from([[], ["_info$"], ["kube_pod"], ["kube_node", "_labels$"]]),
    "metric_opt_in_list": st.sampled_from([[], ["kube_pod_nodeselectors"]]),
    "labels_allow_list": st.sampled_from([{}, {"pods": ["*"]}, {"*": ["app"]}]),
    "node": st.sampled_from([[], ["node-1"], ["node-2"]]),
    "object_limit": st.sampled_from([0, 3]),
    "custom_resource_config": st.sampled_from(["", POTS, POTS + ENTRY % ("Pan", "pan")]),
    "custom_resources_only": st.booleans(),
    "scrape_interval": st.sampled_from(["30s", "1m"]),
}


def test_a_reload_is_as_good_as_a_restart(simulator: Simulator, tmp_path: Path) -> None:
    """Whatever was in force before, afterwards scrape, readiness and digest are those of a process that began with the file."""

    @settings(max_examples=25)
    @given(st.fixed_dictionaries({"resources": RESOURCES}, optional=OPTIONS))
    def property_of(config: Config) -> None:
        assume(
            set(config.get("namespaces", ["all"])) - set(config.get("namespaces_denylist", []))
        )  # or it is never ready
        if config.get("node"):
            config["resources"] = ["pods"]
        try:
            argv = [f"--apiserver={simulator.url}", "--config=/file"]
            begun = assembly.start(parse(argv, {}, content=yaml.safe_dump(config).encode()))
            eventually(lambda: is_loaded(begun), "a fresh one is not loaded", lambda: f"{config}")
            one.turn(config)
            becomes(one, sorted(text_of(begun).splitlines()))
            assert begun._terms == one.exporter._terms
            assert begun.readiness() == one.exporter.readiness()
            assert begun.scrapers.period == one.exporter.scrapers.period
        finally:
            begun.close()

    with reloaded(simulator, tmp_path / "config.yaml", {"resources": ["pods"]}) as one:
        property_of()


def test_nothing_is_left_of_former_collectors(simulator: Simulator, tmp_path: Path) -> None:
    """Neither the collectors, nor their threads, nor the source of their families, also of those that never loaded."""
    sources = [f"<families of {name}>" for name in resources()]  # other tests leave those of custom resources

    def living() -> list[list[str]]:
        gc.collect()
        return [
            sorted(one.resource.name for one in gc.get_objects() if isinstance(one, Collector)),
            sorted(one.name for one in threading.enumerate() if one.name in THREADS or one.name.endswith(GROUP)),
            sorted(source for source in sources if source in linecache.cache),
        ]

    expected = [["nodes", "pods"], ["config", "nodes", "pods"], ["<families of nodes>", "<families of pods>"]]
    with reloaded(simulator, tmp_path / "config.yaml", CONFIGS[0]) as one:
        eventually(lambda: living() == expected, "more is there", lambda: str(living()))
        for number in range(20):
            one.turn(CONFIGS[number % len(CONFIGS)])
        for number in range(20):
            one.write(CONFIGS[number % len(CONFIGS)])
            eventually(lambda: one.exporter._live._file.news() is None, "not taken")  # type: ignore[union-attr]
        one.turn(CONFIGS[0])
        eventually(lambda: living() == expected, "something is left", lambda: str(living()))


def test_processes(simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two shards read a changed file one after another, which `check` tells; page, telemetry and log say what is in force."""
    files = [tmp_path / f"{shard}.yaml" for shard in range(2)]
    for file in files:
        file.write_text("resources: [pods, nodes]\n")
    flags = [f"--apiserver={simulator.url}", "--total-shards=2"]
    with ExitStack() as stack:
        shards = [
            stack.enter_context(Process(*flags, f"--shard={shard}", f"--config={file}"))
            for shard, file in enumerate(files)
        ]
        for one in shards:
            one.ready()
        changed = "resources: [nodes]\nmetric_denylist: [kube_node_created]\nport: 5\nv: 4\n"
        files[0].write_text(changed)
        eventually(lambda: "kube_pod_info{" not in shards[0].scrape(), "pods are still there")
        assert 0 == check(Check(urls=tuple(one.url for one in shards)))
        assert "the shards disagree about settings" in capsys.readouterr().out
        files[1].write_text(changed)
        eventually(lambda: "kube_pod_info{" not in shards[1].scrape(), "pods are still there")
        assert 0 == check(Check(urls=tuple(one.url for one in shards)))
        assert "note: " not in capsys.readouterr().out
        told = shards[0].scrape_telemetry()
        files[0].write_text("resources: [podz]\n")
        eventually(lambda: " 0.0" in config_lines(shards[0], "successful")[0], "not told")
        simulator.put(node("node-new", unschedulable=False))
        eventually(lambda: "node-new" in shards[0].scrape() + shards[1].scrape(), "not served")

    assert "pods" not in told.replace("resource_pods", "")
    log = "\n".join(shards[0].log)
    assert "loaded anew: nodes; exported no longer: pods" in log
    assert "until a restart stay as they were: --port" in log
    assert " DEBUG " in log
    assert "no such resource: 'podz'" in log


def config_lines(one: Process, metric: str) -> list[str]:
    """Return the lines of a metric about the file of --config."""
    name = f"kube_state_metrics_last_config_reload_{metric}{{"
    return [line for line in one.scrape_telemetry().splitlines() if line.startswith(name)]


def test_a_right_is_missing_afterwards(simulator: Simulator, tmp_path: Path) -> None:
    """A resource that came with the file and is forbidden is reported, and not waited for, as at the start."""
    simulator.faults.add("403", "leases", seconds=600)
    try:
        with reloaded(simulator, tmp_path / "config.yaml", {"resources": ["pods"]}) as one:
            one.turn({"resources": ["pods", "leases"]})
            note = "leases: forbidden (not waited for)"
            eventually(lambda: note in one.exporter.readiness().notes, "not told")
            assert one.exporter.readiness().ready
            assert ["pods"] == [name for name, made in one.exporter._collectors.exported.items() if made.shown]
    finally:
        simulator.faults.clear()


def test_a_file_names_another_that_is_not_there_yet(simulator: Simulator, tmp_path: Path) -> None:
    """Until it is, nothing of the file is in force; a mounted ConfigMap each may come in any order."""
    entries = tmp_path / "entries.yaml"
    with reloaded(simulator, tmp_path / "config.yaml", {"resources": ["pods"]}) as one:
        one.write({"resources": ["nodes"], "custom_resource_state_config_file": str(entries)})
        eventually(lambda: "entries.yaml" in one.exporter.status().config.problem, "not told")  # type: ignore[union-attr]
        assert "kube_pod_info{" in text_of(one.exporter)
        entries.write_text(POTS)
        eventually(lambda: "pot_litres{" in text_of(one.exporter), "not read")
        assert "kube_pod_info{" not in text_of(one.exporter)

        other = tmp_path / "other.yaml"
        other.write_text(POTS + ENTRY % ("Pan", "pan"))
        pots = one.exporter._collectors.exported["pots.v1.example.org"]
        one.turn({"resources": ["nodes"], "custom_resource_state_config_file": str(other)})
        eventually(lambda: "pan_litres{" in text_of(one.exporter), "the other file is not read")
        assert pots is one.exporter._collectors.exported["pots.v1.example.org"]


def test_a_web_configuration_that_is_not_right_by_then(simulator: Simulator, tmp_path: Path) -> None:
    """It is not in force either, and nobody's reason to refuse other settings."""
    web = tmp_path / "web.yaml"
    web.write_text("basic_auth_users: {}\n")
    with reloaded(simulator, tmp_path / "config.yaml", {"resources": ["pods"]}, f"--tls-config={web}") as one:
        web.write_text("basic_auth_users: 5\n")
        one.turn({"resources": ["nodes"]})

        assert "kube_node_info{" in text_of(one.exporter)


@pytest.mark.slow
def test_a_fleet_that_is_scaled_meanwhile(tmp_path: Path, record_property: Tell) -> None:
    """While the file changes every second and a half, shards come and go: no series is missing in any round of scrapes."""
    file, over = tmp_path / "config.yaml", threading.Event()
    file.write_text("labels_allow_list: {}\n")

    def change() -> None:
        number = 0
        while not over.wait(1.5):
            number += 1
            file.write_text(f"labels_allow_list: {{pods: [{number}], configmaps: [{number}]}}\n")

    with simulated() as url, Api(url) as api:
        flags = [f"--apiserver={url}", f"--config={file}"]
        with Fleet(api, flags, Load(api, 100, CHANGES)) as fleet:
            fleet.scale(2)
            fleet.settled()
            fleet.expect()
            changing = threading.Thread(target=change)
            changing.start()
            try:
                steps = [
                    measured("2 -> 3", fleet, lambda: fleet.scale(3), record_property),
                    measured("3 -> 2", fleet, lambda: fleet.scale(2), record_property),
                ]
            finally:
                over.set()
                changing.join()
            loaded = sum("loaded anew: configmaps, pods" in line for _, one in fleet.running() for line in one.log)

    complete(steps)
    assert loaded > 4

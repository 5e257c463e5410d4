"""Custom resources of a running exporter: kinds that come and go, a file that changes, names in a query.

What metrics make of objects is in tests/custom; the corpus in tests/conformance/test_custom.py.
"""

import re
import threading
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ksm_shard.fleet.client import ask_all
from ksm_shard.fleet.proof import notes, problems
from ksm_shard.simulator.simulator import Simulator
from tests.e2e.test_storm import pod
from tests.processes import Exporter, eventually

GROUP = "example.org"
ENTRY = """
  - groupVersionKind: {group: example.org, version: "*", kind: %s}
    metricNamePrefix: %s
    labelsFromPath: {name: [metadata, name]}
    metrics:
    - {name: litres, each: {type: Gauge, gauge: {path: [spec, litres]}}}
"""
POTS = "spec:\n  resources:" + ENTRY % ("Pot", "pot")


def crd(kind: str, *versions: str, scope: str = "Namespaced") -> dict[str, Any]:
    """Return the definition of a kind."""
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {"kind": kind, "plural": plural},
            "scope": scope,
            "versions": [{"name": name, "served": True, "storage": at == 0} for at, name in enumerate(versions)],
        },
    }


def vessel(kind: str, name: str, litres: float) -> dict[str, Any]:
    """Return an object."""
    metadata = {"name": name, "namespace": "home"}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "spec": {"litres": litres}}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """An API server with a pod, a pot, and the definition of pots."""
    with Simulator([pod("p", "Running", 0), crd("Pot", "v1"), vessel("Pot", "big", 9)]) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of pots."""
    path = tmp_path / "crs.yaml"
    path.write_text(POTS)
    return path


def exporter(simulator: Simulator, file: Path, *flags: str) -> Exporter:
    """Return an exporter of pods and of what the file names."""
    return Exporter(
        f"--apiserver={simulator.url}", "--resources=pods", f"--custom-resource-state-config-file={file}", *flags
    )


def has(one: Exporter, text: str) -> Callable[[], bool]:
    """Return whether a scrape has a text, to be asked for again and again."""
    return lambda: text in one.scrape()


@contextmanager
def scraping(one: Exporter) -> Iterator[list[str]]:
    """Scrape every 0.1 s meanwhile."""
    scrapes: list[str] = []
    over = threading.Event()

    def scrape() -> None:
        while not over.wait(0.1):
            scrapes.append(one.scrape())

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield scrapes
    finally:
        over.set()
        thread.join()


def test_kinds_come_and_go(simulator: Simulator, file: Path) -> None:
    """A definition that comes is followed in seconds, one that goes leaves, and no scrape misses another kind meanwhile."""
    file.write_text(POTS + ENTRY % ("Pan", "pan"))
    with exporter(simulator, file).ready() as one:
        assert 'pot_litres{customresource_group="example.org",customresource_kind="Pot"' in one.scrape()
        assert "example.org/*/Pan: not served (not waited for)" in one.scrape("/readyz")
        with scraping(one) as scrapes:
            simulator.put(crd("Pan", "v1"))
            simulator.put(vessel("Pan", "flat", 2))
            eventually(has(one, 'name="flat"'), "the new kind is not there")
            simulator.delete("customresourcedefinitions", f"pans.{GROUP}")
            eventually(lambda: "pan_litres" not in one.scrape(), "the kind that is gone is still there")
            unserved = 'ksm_shard_custom_entries{state="unserved"} 1.0'
            eventually(lambda: unserved in one.scrape_telemetry(), "discovery has not been asked")
        telemetry = one.scrape_telemetry()
        assert "kube_state_metrics_custom_resource_state_cache 1.0" in telemetry
        assert "kube_state_metrics_custom_resource_state_delete_events_total 1.0" in telemetry

    assert all("kube_pod_info{" in text and 'name="big"' in text for text in scrapes)


def test_versions_come_and_go(simulator: Simulator, file: Path) -> None:
    """A version that is served no longer is exported until its successor has listed; another stored one changes nothing."""

    def served(*versions: str) -> None:
        simulator.put(crd("Pot", *versions))

    def exported(*versions: str) -> Callable[[], bool]:
        return lambda: set(versions) == set(re.findall(r'pot_litres{.*version="(\w+)"', one.scrape()))

    with exporter(simulator, file).ready() as one, scraping(one) as scrapes:
        served("v1", "v2")
        eventually(exported("v1", "v2"), "the second version is not there")
        served("v2", "v1")
        served("v2")
        eventually(exported("v2"), "the first version is still there")
        simulator.faults.add("503", "pots")
        served("v3")
        state = 'ksm_shard_state{resource="pots.v3.example.org",state="waiting"} 1.0'
        eventually(lambda: state in one.scrape_telemetry(), "the third version is not tried")
        assert exported("v2")()
        simulator.faults.clear()
        eventually(exported("v3"), "the third version is not there, or not alone")

    assert all("pot_litres{" in text and "kube_pod_info{" in text for text in scrapes)


def test_selectors_change(simulator: Simulator, file: Path) -> None:
    """Objects that are selected in another way stay, each once, while they are listed anew; so do those of two selectors."""
    chosen = POTS.replace("spec:\n", "spec:\n  dialect: ksm-shard/v1\n").replace(
        "    metricName", "    %s\n    metricName"
    )
    pot = vessel("Pot", "big", 9)
    simulator.put({**pot, "metadata": {**pot["metadata"], "labels": {"a": "b"}}})

    def followed(*selectors: str) -> None:
        states = [f'_state{{resource="pots.v1.example.org{selector}",state="watching"}} 1.0' for selector in selectors]
        eventually(lambda: all(one_of in one.scrape_telemetry() for one_of in states), f"not followed: {selectors}")

    with exporter(simulator, file).ready() as one, scraping(one) as scrapes:
        for selector in ("labelSelector: a=b", "labelSelector: a!=c", "fieldSelector: metadata.namespace=home"):
            file.write_text(chosen % selector)
            followed(f"?{selector.split()[1]}")
        file.write_text(chosen % "labelSelector: a!=c" + ENTRY % ("Pot", "pot"))
        followed("?a!=c", "")

    assert {1} == {sum(line.startswith("pot_litres{") for line in text.splitlines()) for text in scrapes}


def test_file_changes(simulator: Simulator, file: Path) -> None:
    """Entries that are the same keep their lists; others load beside the old ones, which are there until then."""
    simulator.put(crd("Pan", "v1"))
    simulator.put(vessel("Pan", "flat", 2))
    with exporter(simulator, file).ready() as one:
        listed = relists(one, "pots")
        with scraping(one) as scrapes:
            file.write_text(POTS + ENTRY % ("Pan", "pan"))
            eventually(has(one, "pan_litres"), "the new entry is not there")
            file.write_text(POTS + ENTRY % ("Pan", "pans"))
            eventually(has(one, "pans_litres"), "the changed entry is not there")
            # The line alone may be of a file that was read while it was being written.
            file.write_text("spec: 5")
            refused = f'config_reload_successful{{filename="{file}",type="customresourceconfig"}} 0.0'
            eventually(lambda: refused in one.scrape_telemetry(), "the bad file is not known")
            eventually(lambda: "stays in force" in "\n".join(one.log), "the bad file has not been told")
        assert listed == relists(one, "pots")
        assert "pans_litres" in one.scrape()

    first = next(at for at, text in enumerate(scrapes) if "pan_litres" in text)
    assert all("pan_litres" in text or "pans_litres" in text for text in scrapes[first:])
    assert all('name="big"' in text and "kube_pod_info{" in text for text in scrapes)


def test_everything_changes_all_the_time(simulator: Simulator, file: Path) -> None:
    """No scrape misses a pod or what stays while the file is replaced 20 times and definitions come, change and go.

    Lids are missing only while there is no definition of them.
    """
    lids = ENTRY % ("Lid", "lid")
    spans: list[list[str]] = []  # the scrapes while there are lids
    with exporter(simulator, file).ready() as one, scraping(one) as scrapes:
        for number in range(20):
            file.write_text(POTS + ENTRY % ("Pot", f"pot{number}") + lids)
            changed = crd("Pot", "v1")
            simulator.put({**changed, "spec": {**changed["spec"], "conversion": {"strategy": str(number)}}})
            simulator.put(crd("Pan", "v1", *["v2"] * (number % 2)))
            if number % 4 == 0:
                simulator.put(crd("Lid", "v1"))
                simulator.put(vessel("Lid", "round", number))
                eventually(has(one, "lid_litres{"), "the new kind is not there")
                begun = len(scrapes) + 1
            eventually(has(one, f"pot{number}_litres{{"), f"change {number} is not there")
            if number % 4 == 2:
                spans.append(scrapes[begun:])
                simulator.delete("customresourcedefinitions", f"lids.{GROUP}")
                simulator.delete("customresourcedefinitions", f"pans.{GROUP}")
                eventually(lambda: "lid_litres{" not in one.scrape(), "the kind that is gone is still there")

    assert all('name="big"' in text and "kube_pod_info{" in text and "pot_litres{" in text for text in scrapes)
    first = next(at for at, text in enumerate(scrapes) if "pot0_litres{" in text)
    assert all(re.search(r"pot\d+_litres{", text) for text in scrapes[first:])
    assert 5 == len(spans)
    assert all("lid_litres{" in text for span in spans for text in span)


def relists(one: Exporter, plural: str) -> list[str]:
    """Return the telemetry's lines about the lists of a custom resource."""
    wanted = f'ksm_shard_relists_total{{reason="start",resource="{plural}.v1.example.org"}}'
    return [line for line in one.scrape_telemetry().splitlines() if line.startswith(wanted)]


def test_names(simulator: Simulator, file: Path) -> None:
    """A query may name a custom resource by plural, by plural and group, and with its version, also while nobody serves it."""
    file.write_text(POTS + ENTRY.replace("example.org", "none.org") % ("Lid", "lid"))
    with exporter(simulator, file).ready() as one:
        for name in ("pots", "pots.example.org", "pots.v1.example.org"):
            found = one.scrape(f"/metrics?resources={name}")
            assert "pot_litres" in found
            assert "kube_pod_info" not in found
            assert "pot_litres" not in one.scrape(f"/metrics?exclude_resources={name}")
        assert "" == one.scrape("/metrics?resources=lids.none.org")
        with pytest.raises(urllib.error.HTTPError, match="400"):
            one.scrape("/metrics?resources=lids.example.com")


def test_owner(simulator: Simulator, file: Path) -> None:
    """The owner of a custom object is found by the names that a scrape takes; a kind that is not served has none."""
    file.write_text(POTS + ENTRY % ("Pan", "pan"))
    with exporter(simulator, file).ready() as one:
        for name in ("pots", f"pots.{GROUP}", f"pots.v1.{GROUP}"):
            assert '"held":true' in one.scrape(f"/owner?resource={name}&namespace=home&name=big").replace(" ", "")
        assert 404 == one.status(f"/owner?resource=pans.{GROUP}&namespace=home&name=flat")


def test_only(simulator: Simulator, file: Path) -> None:
    """With --custom-resource-state-only nothing else is exported, and a missing file is waited for if that is asked for."""
    file.unlink()
    flags = ["--custom-resource-state-only", "--continue-without-custom-resource-state-config-file"]
    with Exporter(f"--apiserver={simulator.url}", f"--custom-resource-state-config-file={file}", *flags).ready() as one:
        assert "" == one.scrape()
        file.write_text(POTS)
        eventually(has(one, "pot_litres"), "the file has not been read")
        assert "kube_pod_info" not in one.scrape()


def test_core_kinds(simulator: Simulator, file: Path) -> None:
    """Core kinds may be named, beside themselves as built-in ones, by JSON or by their metadata."""
    pods = """
  - groupVersionKind: {group: "", version: v1, kind: Pod}
    metricNamePrefix: my_pod
    labelsFromPath: {namespace: [metadata, namespace], pod: [metadata, name]}
    metrics:
    - {name: phase, each: {type: StateSet, stateSet: {path: [status, phase], labelName: phase, list: [Running]}}}
"""
    labels = """
  - groupVersionKind: {group: apps, version: v1, kind: Deployment}
    metricNamePrefix: my_deployment
    labelsFromPath: {namespace: [metadata, namespace], deployment: [metadata, name]}
    metrics:
    - {name: app, each: {type: Info, info: {path: [metadata, labels], labelsFromPath: {app: [app]}}}}
"""
    metadata = {"name": "web", "namespace": "default", "labels": {"app": "a"}}
    simulator.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata})
    file.write_text(POTS + pods + labels)
    with exporter(simulator, file).ready() as one:
        found = one.scrape()

    assert "kube_pod_info{" in found
    assert re.search(r'my_pod_phase{.*phase="Running",pod="p"} 1', found)
    assert re.search(r'my_deployment_app{app="a",customresource_group="apps",.*deployment="web"', found)


def test_namespaces(simulator: Simulator, file: Path) -> None:
    """Kinds without namespaces are exported whole when namespaces are named, and others of those alone."""
    simulator.put(crd("Pan", "v1", scope="Cluster"))
    wide = vessel("Pan", "wide", 3)
    del wide["metadata"]["namespace"]
    simulator.put(wide)
    file.write_text(POTS + ENTRY % ("Pan", "pan"))
    with exporter(simulator, file, "--namespaces=elsewhere").ready() as one:
        found = one.scrape()

    assert 'name="wide"' in found
    assert 'name="big"' not in found


def test_shards(simulator: Simulator, tmp_path: Path) -> None:
    """Each object is exported by one of the shards; `check` compares what their files hold, wherever they are."""
    for number in range(20):
        simulator.put(vessel("Pot", f"pot-{number}", number))
    files = [tmp_path / f"{shard}.yaml" for shard in range(3)]
    with ExitStack() as stack:
        shards = []
        for shard, path in enumerate(files):
            path.write_text(POTS)
            flags = "--total-shards=3", f"--shard={shard}"
            shards.append(stack.enter_context(exporter(simulator, path, *flags)))
        urls = [one.ready().url for one in shards]
        lines = [line for one in shards for line in one.scrape().splitlines() if line.startswith("pot_litres{")]
        same = problems(ask_all(urls))
        files[2].write_text(POTS + ENTRY % ("Pot", "pot2"))
        eventually(has(shards[2], "pot2_litres"), "the changed file is not in force")
        other = ask_all(urls)

    assert 21 == len(lines) == len(set(lines))
    assert [] == same
    (line,) = notes(other)
    assert line.startswith("the shards disagree about what the file of custom resources holds: ")
    assert line.endswith("they read a changed file one after another")
    assert [] == problems(other)


def test_bad_file(tmp_path: Path) -> None:
    """A file that cannot be used ends the start with status 2 and every problem at its place."""
    path = tmp_path / "crs.yaml"
    path.write_text(POTS.replace("Gauge", "Gouge") + ENTRY.replace("Gauge", "Gage") % ("Pan", "pan"))
    with pytest.raises(AssertionError) as caught:
        Exporter("--apiserver=http://127.0.0.1:1", f"--custom-resource-state-config-file={path}")

    assert f"ksm-shard: {path}:7:" in str(caught.value)
    assert f"ksm-shard: {path}:13:" in str(caught.value)

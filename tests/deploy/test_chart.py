"""The Helm chart takes the values that people have, and says in one line what it cannot do.

Rendering needs Helm, which tests/deploy/rendering.py builds. What an API server says of the objects is in test_applied.py.
"""

import json
import re
import shutil
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from ksm_shard.kinds import resources
from ksm_shard.membership.selfcheck import FAILURES
from ksm_shard.settings.parser import parse
from ksm_shard.settings.run import Settings
from ksm_shard.web.server import MARGIN
from tests.deploy.rendering import (
    CHART,
    DEPLOY,
    VALUES,
    NotRenderedError,
    Object,
    container,
    lint,
    named,
    notes,
    only,
    render,
)
from tools.chart import FILES, files

DEFAULTS: Object = yaml.safe_load((CHART / "values.yaml").read_text())
IMAGE = {"registry": "", "repository": "registry.example.com/ksm-shard", "tag": "1"}
PEOPLE = sorted(path.stem for path in VALUES.glob("*.yaml"))
# Of the copy of all values of the community's chart only the image has to be another.
OURS = {"community-defaults": {"image": IMAGE}}
# The first run on a machine builds Helm.
helm = pytest.mark.slow


def rendered(people: str) -> list[Object]:
    """Return the objects for the values of a file in tests/deploy/values."""
    return render(people, **OURS.get(people, {}))


def settings_of(objects: list[Object]) -> Settings:
    """Return what the exporter makes of its arguments, with the number of the pod filled in."""
    return parse([word.replace("$(POD_INDEX)", "0") for word in container(objects)["args"]], {})


def monitor(kind: str = "PodMonitor", **values: Any) -> Object:
    """Return the specification of the monitor, with those values of prometheus.monitor."""
    spec: Object = only(render(prometheus={"monitor": {"enabled": True, "kind": kind, **values}}), kind)["spec"]
    return spec


def test_the_files_are_generated() -> None:
    """The files are what `python -m tools.chart` writes."""
    assert files() == {path.name: path.read_text() for path in FILES.iterdir()}


def test_the_collectors_are_the_default_resources() -> None:
    """As values of their own they can be left out one by one."""
    assert [name for name, one in sorted(resources().items()) if one.default] == DEFAULTS["collectors"]


def test_the_schema_knows_every_value() -> None:
    """And the community's: a key that it lacks is refused."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    theirs = yaml.safe_load((VALUES / "community-defaults.yaml").read_text())

    assert set(DEFAULTS) | set(theirs) == set(schema["properties"])


def test_the_chart_installs_this_version() -> None:
    """As the kustomization does."""
    config = ConfigParser()
    config.read(CHART.parents[2] / "setup.cfg")
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    kustomization = yaml.safe_load((DEPLOY / "statefulset/kustomization.yaml").read_text())

    assert config["metadata"]["version"] == chart["appVersion"] == kustomization["images"][0]["newTag"]


@helm
@pytest.mark.parametrize("people", [name for name in PEOPLE if name not in OURS])
def test_lint(people: str) -> None:
    """Helm finds no fault with the chart, whatever the values."""
    assert "0 chart(s) failed" in lint(people)


@helm
@pytest.mark.parametrize("people", PEOPLE)
def test_people_have_such_values(people: str) -> None:
    """What is rendered holds together: arguments, ports, probes, times, selectors, rights."""
    objects = rendered(people)
    settings, exporter = settings_of(objects), container(objects)
    template = only(objects, "StatefulSet")["spec"]["template"]
    probe = exporter["readinessProbe"]

    assert {"http": settings.port, "metrics": settings.telemetry_port} == {
        port["name"]: port["containerPort"] for port in exporter["ports"]
    }
    assert ("/livez", "http") == tuple(exporter["livenessProbe"]["httpGet"][key] for key in ("path", "port"))
    assert ("/readyz", "metrics") == tuple(probe["httpGet"][key] for key in ("path", "port"))
    assert probe["periodSeconds"] * probe.get("failureThreshold", FAILURES) < settings.handover_period / 2
    assert template["spec"]["terminationGracePeriodSeconds"] >= settings.drain_period + MARGIN
    for one in objects:
        if one["kind"] in {"StatefulSet", "PodDisruptionBudget", "PodMonitor"}:
            assert one["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    names = [(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects]
    assert len(names) == len(set(names))
    assert all(space or name.endswith(":monitoring") for _, space, name in names)


@helm
@pytest.mark.parametrize(
    "people", [name for name in PEOPLE if name != "kube-prometheus-stack"]
)  # it overrides the name
def test_two_releases_share_nothing(people: str) -> None:
    """Least of all a binding, without which the other reads nothing more."""
    one, other = (set(named(render(people, release=name, **OURS.get(people, {})))) for name in ("a", "b"))

    assert not one & other


@helm
def test_a_part_of_another_chart(tmp_path: Path) -> None:
    """Under the name that kube-prometheus-stack gives the community's; a null there leaves no number of shards either."""
    part = {"name": "ksm-shard", "version": "0.1.0", "alias": "kube-state-metrics"}
    whole = {"apiVersion": "v2", "name": "stack", "version": "1.0.0", "dependencies": [part]}
    values = {"kube-state-metrics": {"replicas": None, "releaseLabel": True, "image": IMAGE}, "global": {"rbac": {}}}
    (tmp_path / "Chart.yaml").write_text(json.dumps(whole))
    (tmp_path / "values.yaml").write_text(json.dumps(values))
    shutil.copytree(CHART, tmp_path / "charts/ksm-shard")

    workload = only(render(chart=tmp_path, release="kps"), "StatefulSet")

    assert workload["metadata"]["name"] == "kps-kube-state-metrics"
    assert workload["metadata"]["labels"]["release"] == "kps"
    assert "replicas" not in workload["spec"]


@helm
@pytest.mark.parametrize(
    ("scrape", "flags", "period", "drain"),
    [("30s", [], 45, 75), ("15s", ["--scrape-interval=15s"], 31, 46), ("1m", ["--scrape-interval=60s"], 90, 150)],
)
def test_one_interval_sets_all_times(scrape: str, flags: list[str], period: float, drain: float) -> None:
    """The monitor, the flag, hand-over, drain and grace period follow from it; a probe's numbers may lengthen the hand-over."""
    objects = render(scrapeInterval=scrape, prometheus={"monitor": {"enabled": True}})
    settings, endpoints = settings_of(objects), only(objects, "PodMonitor")["spec"]["podMetricsEndpoints"]

    assert {scrape} == {endpoint["interval"] for endpoint in endpoints}
    assert flags == [word for word in container(objects)["args"] if word.startswith("--scrape-interval")]
    assert (period, drain) == (settings.handover_period, settings.drain_period)
    grace = only(objects, "StatefulSet")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert drain + 15 == grace


@helm
def test_the_monitors_interval_takes_its_place() -> None:
    """A key of the community's chart is as good: the exporter hears of it."""
    assert (
        settings_of(render(prometheus={"monitor": {"enabled": True, "http": {"interval": "2m"}}})).drain_period == 300
    )


@helm
def test_nobody_fills_in_the_replicas() -> None:
    """Without a number no field is left, so that nothing that is applied undoes a scaling."""
    assert "replicas" not in only(render(), "StatefulSet")["spec"]
    assert only(render(replicas=4), "StatefulSet")["spec"]["replicas"] == 4


@helm
def test_without_autosharding_there_is_one_shard() -> None:
    """As the community's chart has it by default."""
    objects = render(autosharding={"enabled": False}, replicas=3)

    assert only(objects, "StatefulSet")["spec"]["replicas"] == 1
    assert "so there is one shard" in notes(autosharding={"enabled": False}, replicas=3)


@helm
@pytest.mark.parametrize(("replicas", "total"), [(3, 3), (None, 1)])
def test_another_cluster_is_read_by_a_fixed_number_of_shards(replicas: int | None, total: int) -> None:
    """A kubeconfig may lead where the StatefulSet is not, so shards do not look for it."""
    objects = render(kubeconfig={"enabled": True, "secret": "YQ=="}, replicas=replicas)
    settings = settings_of(objects)

    assert ("", total) == (settings.pod, settings.total_shards)
    assert only(objects, "StatefulSet")["spec"]["replicas"] == total


@helm
def test_kube_prometheus_stack_selects_the_monitor() -> None:
    """By the label `release`; rules and dashboard have what is looked for, too."""
    objects = named(rendered("kube-prometheus-stack"))

    for kind in ("PodMonitor", "PrometheusRule"):
        assert "release" in objects[kind, "prometheus-ksm"]["metadata"]["labels"]
    dashboard = objects["ConfigMap", "prometheus-ksm-dashboard"]
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(dashboard["data"]["ksm-shard.json"])["title"]


@helm
def test_both_jobs_have_any_name() -> None:
    """One value each: the label is written, and the alert about failing scrapes looks for it."""
    values = {"job": "kube-state-metrics", "telemetryJob": "self", "monitor": {"enabled": True}}
    objects = render(prometheus=values, prometheusRule={"enabled": True})
    endpoints = only(objects, "PodMonitor")["spec"]["podMetricsEndpoints"]
    rules = only(objects, "PrometheusRule")["spec"]["groups"][0]["rules"]

    assert ["kube-state-metrics", "self"] == [endpoint["relabelings"][0]["replacement"] for endpoint in endpoints]
    assert [True] == ['job=~"kube-state-metrics"' in rule["expr"] for rule in rules if "job=" in rule["expr"]]


@helm
def test_the_job_may_be_taken_from_a_label() -> None:
    """With jobLabel no relabeling overrides it."""
    spec = monitor(jobLabel="app.kubernetes.io/name")

    assert "job" not in [one.get("targetLabel") for one in spec["podMetricsEndpoints"][0]["relabelings"]]


@helm
@pytest.mark.parametrize("kind", ["PodMonitor", "ServiceMonitor"])
def test_no_query_sees_which_shard_has_an_object(kind: str) -> None:
    """Samples of the cluster have no label of the target but the job; the exporter's own keep theirs."""
    endpoints = monitor(kind)["endpoints" if kind == "ServiceMonitor" else "podMetricsEndpoints"]
    (dropped,) = [one["regex"] for one in endpoints[0]["relabelings"] if one.get("action") == "labeldrop"]

    assert {"container", "endpoint", "namespace", "pod"} <= set(dropped.split("|"))
    assert [{"action": "labeldrop", "regex": "instance"}] == endpoints[0]["metricRelabelings"]
    assert "metricRelabelings" not in endpoints[1]


@helm
@pytest.mark.parametrize(
    ("values", "written"),
    [
        ({"prometheus": {"monitor": {"enabled": True}}}, True),
        ({"prometheusScrape": True}, False),  # a discovery by annotations keeps `instance`
        ({"prometheusScrape": True, "prometheus": {"scrapeconfig": {"enabled": True}}}, True),
        ({"handoverTimestamps": False}, False),
    ],
)
def test_timestamps_are_for_who_drops_instance(values: Object, written: bool) -> None:
    """Else handed-over series would be there twice for five minutes."""
    assert settings_of(render(**values)).handover_timestamps == written


@helm
def test_probes_and_monitors_speak_tls_with_the_exporter() -> None:
    """The scheme follows from the web configuration, whichever way that is given."""
    for values in ({"webConfig": {"secret": "web"}}, {"extraArgs": ["--tls-config=/etc/web.yml"]}):
        objects = render(prometheus={"monitor": {"enabled": True}}, **values)
        exporter = container(objects)

        assert all(exporter[probe]["httpGet"]["scheme"] == "HTTPS" for probe in ("livenessProbe", "readinessProbe"))
        assert {"https"} == {one["scheme"] for one in only(objects, "PodMonitor")["spec"]["podMetricsEndpoints"]}


@helm
def test_without_a_cluster_role_each_namespace_has_a_role() -> None:
    """Its rules are of what namespaces hold, and no other resource is asked for."""
    objects = rendered("namespaced")
    roles = [one for one in objects if one["kind"] == "Role" and one["metadata"]["name"] == "ksm-shard:monitoring"]
    allowed = {name for rule in roles[0]["rules"] for name in rule["resources"]}
    settings = settings_of(objects)

    assert ["team-a", "team-b", "monitoring"] == [one["metadata"]["namespace"] for one in roles]
    assert ("team-a", "team-b", "monitoring") == settings.namespaces
    assert set(settings.resources) == allowed
    assert all(resources()[name].namespaced for name in allowed)
    assert not [one for one in objects if one["kind"].startswith("Cluster")]


@helm
def test_rights_follow_the_collectors() -> None:
    """What is left out needs no right, what is added gets one."""
    objects = render(collectorsExclude=["secrets"], collectorsExtra=["ingressclasses"])
    allowed = {name for rule in only(objects, "ClusterRole")["rules"] for name in rule["resources"]}

    assert set(settings_of(objects).resources) == allowed
    assert "secrets" not in allowed
    assert "ingressclasses" in allowed


@helm
@pytest.mark.parametrize(
    ("values", "budget"),
    [
        ({}, {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}),
        ({"minAvailable": "50%"}, {"minAvailable": "50%", "unhealthyPodEvictionPolicy": "AlwaysAllow"}),
    ],
)
def test_a_budget_of_disruptions(values: Object, budget: Object) -> None:
    """One is there unless it is switched off."""
    spec = only(render(podDisruptionBudget=values), "PodDisruptionBudget")["spec"]
    del spec["selector"]

    assert budget == spec


REJECTED: list[tuple[Object, str]] = [
    (
        {"image": {"repository": "bitnami/kube-state-metrics"}},
        "image.repository: bitnami/kube-state-metrics is another program: name an image of ksm-shard",
    ),
    (
        {"kubeRBACProxy": {"enabled": True}},
        "kubeRBACProxy.enabled: ksm-shard checks tokens itself: set authFilter.enabled",
    ),
    ({"updateStrategy": "Recreate"}, "updateStrategy: a StatefulSet has no Recreate: leave RollingUpdate"),
    *(
        (
            {"service": service},
            "service.type, service.clusterIP: the Service is headless, as each shard has other series",
        )
        for service in ({"type": "NodePort"}, {"clusterIP": "10.0.0.1"})
    ),
    (
        {"service": {"nodePort": 30080}},
        "service.nodePort, selfMonitor.telemetryNodePort: a node's port leads to any one",
    ),
    (
        {"selfMonitor": {"telemetryNodePort": 30081}},
        "service.nodePort, selfMonitor.telemetryNodePort: a node's port leads",
    ),
    (
        {"service": {"loadBalancerIP": "10.0.0.1"}},
        "service.loadBalancerIP, service.loadBalancerSourceRanges: a load balancer",
    ),
    *(
        (
            {probe: {"httpGet": {"path": "/healthz"}}},
            f"{probe}.httpGet: path and port are fixed, as hand-overs depend on",
        )
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    ),
    (
        {"metricAllowlist": ["kube_pod_info"], "metricDenylist": ["kube_pod_labels"]},
        "metricAllowlist, metricDenylist: they cannot be combined: leave one empty",
    ),
    (
        {"rbac": {"useClusterRole": False}},
        "rbac.useClusterRole: without a ClusterRole name what to read: set namespaces",
    ),
    ({"kubeconfig": {"enabled": True}}, "kubeconfig.secret: kubeconfig.enabled needs the file, base64-encoded: set it"),
    (
        {"prometheusRule": {"enabled": True}, "selfMonitor": {"enabled": False}},
        "prometheusRule.enabled: the alerts are about the exporter's own metrics: set selfMonitor.enabled",
    ),
    (
        {"selfMonitor": {"telemetryHost": "127.0.0.1"}},
        "selfMonitor.telemetryHost: the node's probes do not reach a loopback",
    ),
    (
        {"prometheus": {"monitor": {"enabled": True, "http": {"bearerTokenFile": "/token"}}}},
        "prometheus.monitor: a PodMonitor reads no bearerTokenFile and no caFile: set prometheus.monitor.kind to ServiceMonitor",
    ),
    (
        {"prometheus": {"monitor": {"enabled": True, "targetLabels": ["team"]}}},
        "prometheus.monitor.targetLabels: a PodMonitor takes them from pods: use podTargetLabels",
    ),
    (
        {"collectors": ["verticalpodautoscalers"]},
        "collectors: verticalpodautoscalers is no resource of ksm-shard: leave it",
    ),
    (
        {"extraArgs": ["--pod-labels-allowlist=app"]},
        "extraArgs: --pod-labels-allowlist=app: no such flag; docs/options.md",
    ),
    (
        {"extraArgs": ["--metric-whitelist=a"]},
        "extraArgs: --metric-whitelist: no such flag; it is --metric-allowlist now",
    ),
    ({"extraArgs": ["--v", "4", "metrics"]}, "extraArgs: metrics: no such flag; docs/options.md has all"),
    ({"extraArgs": ["--host=127.0.0.1"]}, "extraArgs: --host: the node's probes do not reach a loopback address"),
    *(
        ({"extraArgs": [f"-{flag}", "1"]}, f"extraArgs: --{flag}: the rest of the chart has to know of it: {instead}")
        for flag, instead in (
            ("pod", "it is set"),
            ("port", "set service.port"),
            ("scrape-interval", "set scrapeInterval"),
            ("total-shards", "set replicas"),
            ("resources", "set collectors"),
        )
    ),
    ({"drainPeriod": "0s", "scrapeInterval": "0s"}, "scrapeInterval: must be a second at least"),
]


@helm
@pytest.mark.parametrize(
    ("values", "line"), REJECTED, ids=[line.partition(":")[0] + f"-{n}" for n, (_, line) in enumerate(REJECTED)]
)
def test_what_cannot_be_had(values: Object, line: str) -> None:
    """One line says what to do instead."""
    with pytest.raises(NotRenderedError) as error:
        render(**values)

    (said,) = re.findall(r"execution error at [^)]*\): (.*)", str(error.value))
    assert said.startswith(line)


@helm
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replica": 3}, "additional properties 'replica' not allowed"),
        ({"replicas": "3"}, "got string, want null or integer"),
        ({"scrapeInterval": "30"}, "does not match pattern"),
        ({"prometheus": {"monitor": {"aditionalLabels": {}}}}, "additional properties 'aditionalLabels' not allowed"),
    ],
)
def test_what_is_misspelt(values: Object, said: str) -> None:
    """The schema names the key."""
    with pytest.raises(NotRenderedError, match=re.escape(said)):
        render(**values)


@helm
def test_the_communitys_image_is_all_that_stands_in_the_way() -> None:
    """A copy of all values of that chart names the other program."""
    with pytest.raises(NotRenderedError, match=r"image\.repository: kube-state-metrics/kube-state-metrics is another"):
        render("community-defaults")


@helm
def test_notes_are_short_and_true() -> None:
    """They name the command that proves the fleet right, and what is still to be done."""
    lines = notes(replicas=3).strip().splitlines()

    assert lines[0] == "3 shards of ksm-shard, as StatefulSet ksm-shard in monitoring."
    assert "ksm-shard check --service ksm-shard --pod-namespace monitoring" in lines[4]
    assert lines[-1].startswith("Nothing scrapes the shards yet")
    assert len(lines) < 10

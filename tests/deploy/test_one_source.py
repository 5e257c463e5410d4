"""The kustomizations and the chart make the same objects.

They differ in Helm's labels, in the names of ports, which are those of the community's chart there, in what the chart writes
although it is Kubernetes' default, and in an alert that names two jobs where the chart knows which it is.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.rendering import DEPLOY, Object, build, named, render

pytestmark = pytest.mark.slow  # the first run on a machine builds Helm and kustomize

PORTS = {"metrics": "http", "telemetry": "metrics"}
DEFAULTS: dict[str, Any] = {
    "automountServiceAccountToken": True,
    "dnsPolicy": "ClusterFirst",
    "imagePullPolicy": "IfNotPresent",
    "revisionHistoryLimit": 10,
    "updateStrategy": {"type": "RollingUpdate"},
}
PROMETHEUS = {"name": "prometheus-k8s", "namespace": "monitoring"}
# What the kustomizations have besides.
VALUES: Object = {
    "prometheus": {"monitor": {"enabled": True}},
    "prometheusRule": {"enabled": True},
    "grafanaDashboard": {"enabled": True},
}


def plain(value: Any) -> Any:
    """Return an object without what may differ."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: plain(one)
        for key, one in value.items()
        if not (key == "labels" and "matchLabels" not in value)
        and key != "app.kubernetes.io/instance"
        and not (key in DEFAULTS and DEFAULTS[key] == one)
    }


def renamed(value: Any) -> Any:
    """Return an object of a kustomization with the chart's names of ports and its job."""
    if isinstance(value, list):
        return [renamed(one) for one in value]
    if isinstance(value, str):
        return value.replace('job=~"ksm-shard|kube-state-metrics"', 'job=~"ksm-shard"')
    if not isinstance(value, dict):
        return value
    return {
        key: PORTS.get(one, one)
        if key in {"port", "targetPort"} or (key == "name" and {"port", "containerPort"} & set(value))
        else renamed(one)
        for key, one in value.items()
    }


def kustomized(*folders: str) -> dict[tuple[str, str], Object]:
    """Return the objects of kustomizations, as the chart would have them."""
    objects = [one for folder in folders for one in build(DEPLOY / folder)]
    return named([plain(renamed(one)) for one in objects])


def test_kustomization_and_chart_are_equal() -> None:
    """Object by object."""
    assert kustomized("statefulset", "monitoring") == named([plain(one) for one in render(**VALUES)])


@pytest.mark.parametrize(
    ("component", "value"),
    [
        ("auth-filter", {"authFilter": {"enabled": True, "scrapers": [PROMETHEUS]}}),
        ("network-policy", {"networkPolicy": {"enabled": True}}),
    ],
)
def test_a_component_is_equal_to_a_value(tmp_path: Path, component: str, value: Object) -> None:
    """What it adds to the kustomization, the value adds to the chart."""
    if not (DEPLOY / component).exists():
        pytest.skip(f"there is no deploy/{component}")
    made = with_component(tmp_path, component)
    rendered = render(prometheus={"monitor": {"enabled": True}}, **value)

    assert named([plain(renamed(one)) for one in made]) == named([plain(one) for one in rendered])


def test_both_jobs_take_the_name_of_what_they_replace(tmp_path: Path) -> None:
    """By one line of the kustomization, and by two values."""
    job = "kube-state-metrics"
    values = {"prometheus": {"job": job, "telemetryJob": job, "monitor": {"enabled": True}}}
    objects = with_component(tmp_path, "as-kube-state-metrics"), render(**values)

    made, rendered = (named(one)["PodMonitor", "ksm-shard"] for one in objects)

    assert plain(renamed(made)) == plain(rendered)
    assert [job] * 2 == [one["relabelings"][0]["replacement"] for one in made["spec"]["podMetricsEndpoints"]]


def with_component(folder: Path, component: str) -> list[Object]:
    """Return the objects of deploy/statefulset with a component."""
    for name in ("statefulset", component):
        shutil.copytree(DEPLOY / name, folder / name)
    file = folder / "statefulset/kustomization.yaml"
    file.write_text(file.read_text() + f"components: [../{component}]\n")
    return build(file.parent)

"""Every value of the community's chart has an effect, or is refused: none is taken and forgotten."""

from typing import Any

import pytest
import yaml

from tests.deploy.rendering import VALUES, NotRenderedError, Object, render

pytestmark = pytest.mark.slow  # 170 renderings

THEIRS: Object = yaml.safe_load((VALUES / "community-defaults.yaml").read_text())
# What is switched on, so that the values below it show.
ON: Object = {
    "image": {"registry": "r.example.com", "repository": "ksm-shard"},
    "autosharding": {"enabled": True},
    "replicas": 3,
    "authFilter": {"enabled": True},
    "customResourceState": {"enabled": True, "config": {"spec": {}}},
    "kubeconfig": {"enabled": True, "secret": "YQ=="},
    "namespaces": "a",
    "networkPolicy": {"enabled": True},
    "prometheus": {"monitor": {"enabled": True, "kind": "ServiceMonitor"}, "scrapeconfig": {"enabled": True}},
    "selfMonitor": {"enabled": True},
    "service": {"ipDualStack": {"enabled": True}},
    "startupProbe": {"enabled": True},
    "verticalPodAutoscaler": {"enabled": True},
}
# Keys that the community's file of values has in comments only.
COMMENTED: Object = {
    "networkPolicy": {"egress": [], "ingress": [], "podSelector": {}},
    "priorityClassName": "",
    "prometheus": {"monitor": {"interval": "", "scrapeTimeout": "", "honorLabels": False}},
    "rbac": {"useExistingRole": ""},
    "selfMonitor": {"telemetryHost": "", "telemetryPort": 8081, "telemetryNodePort": 0},
    "updateStrategy": "RollingUpdate",
    "verticalPodAutoscaler": {"controlledValues": "", "recommenders": [], "updatePolicy": {}},
}
# Another value than the default, where one cannot be made of the default's type.
OTHERS: dict[str, Any] = {
    "affinity": {"nodeAffinity": {}},
    "authFilter.enabled": False,
    "autosharding.enabled": False,
    "collectors": ["pods"],
    "collectorsExclude": ["pods"],
    "collectorsExtra": ["roles"],
    "customResourceState.create": False,
    "dnsPolicy": "Default",
    "extraArgs": ["--v=3"],
    "extraManifests": [{"kind": "ConfigMap", "metadata": {"name": "more"}}],
    "hostUsers": False,
    "image.pullPolicy": "Always",
    "kubeconfig.enabled": False,
    "metricAllowlist": ["kube_pod_info"],
    "metricAnnotationsAllowList": ["pods=[a]"],
    "metricDenylist": ["kube_pod_info"],
    "metricLabelsAllowlist": ["pods=[a]"],
    "podDisruptionBudget": {"minAvailable": 1},
    "rbac.clusterRoleSelectors": [{"matchLabels": {"a": "b"}}],
    "rbac.extraRules": [{"apiGroups": ["a"], "resources": ["b"], "verbs": ["list"]}],
    "serviceAccount.name": "other",
    "startupProbe.enabled": False,
    "updateStrategy": "OnDelete",
}
# Of lists, those of texts.
TEXTS = {"namespaceSelector", "targetLabels", "podTargetLabels", "ipFamilies", "controlledResources"}


def leaves(values: Object, path: str = "") -> dict[str, Any]:
    """Return values by their keys, joined by dots; an empty map is a value."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            found |= leaves(value, f"{path}{key}.")
        else:
            found[f"{path}{key}"] = value
    return found


def other(path: str, value: Any) -> Any:
    """Return a value that is not the default."""
    if path in OTHERS:
        return OTHERS[path]
    if path.rpartition(".")[2] in {"interval", "scrapeTimeout", "scrapeInterval"}:
        return "17s"
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        return [{"name": "other"}] if path.rpartition(".")[2] not in TEXTS else ["other"]
    if isinstance(value, dict):
        return {"other": "value"}
    return "other" if value is None or "scheme" not in path else "https"


def nested(path: str, value: Any) -> Object:
    """Return a map with one value."""
    for key in reversed(path.split(".")):
        value = {key: value}
    found: Object = value
    return found


def merged(*maps: Object) -> Object:
    """Return maps laid over one another."""
    result: Object = {}
    for one in maps:
        for key, value in one.items():
            below = result.get(key)
            result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def attempted(values: Object) -> tuple[list[Object], str]:
    """Return the objects, or none and why."""
    try:
        return render(**values), ""
    except NotRenderedError as error:
        return [], str(error)


KEYS = leaves(merged(THEIRS, COMMENTED))
BASE = merged(THEIRS, ON)


@pytest.fixture(scope="module")
def base() -> list[Object]:
    """Return the objects of the values that one is changed of."""
    return render(**BASE)


# Where kubeRBACProxy is refused, what else is said of it needs no answer.
@pytest.mark.parametrize("path", [path for path in KEYS if not path.startswith("kubeRBACProxy.") or "enabled" in path])
def test_a_value_has_an_effect_or_is_refused(base: list[Object], path: str) -> None:
    """Another value renders otherwise; a refusal is the chart's own line, not the schema's."""
    changed = nested(path, other(path, leaves(BASE).get(path, KEYS[path])))
    objects, refusal = attempted(merged(BASE, changed))

    assert objects != base
    assert not refusal or "execution error" in refusal

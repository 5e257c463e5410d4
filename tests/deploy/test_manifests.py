"""The manifests of deploy/ say what the exporter understands, and an API server takes them as they are.

What the API server does with them is not tried here: there is no kubelet. Nothing is left behind on it.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from ksm_shard.commands.plan import LONGEST_START
from ksm_shard.kinds import resources
from ksm_shard.settings.parser import parse
from ksm_shard.web.server import MARGIN
from tests.deploy.rendering import CHART
from tools.clusterrole import MANIFEST, clusterrole

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBECONFIG = os.environ.get("KSM_SHARD_KUBECONFIG", "")
# Definitions are served a moment after they are made; a minute is far more than that.
PATIENCE = 60.0
CREATED, CONFLICT = 201, 409


def documents() -> list[tuple[str, dict[str, Any]]]:
    """Return every object of deploy/ but the chart's, with the name of its file."""
    written = (path for path in DEPLOY.rglob("*.yaml") if not path.is_relative_to(CHART))
    files = sorted(path for path in written if path.name != "kustomization.yaml")
    return [
        (f"{path.relative_to(DEPLOY)}", document)
        for path in files
        for document in yaml.safe_load_all(path.read_text())
        if isinstance(document, dict) and "kind" in document
    ]


def manifest(name: str) -> dict[str, Any]:
    """Return one object of deploy/statefulset."""
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "statefulset" / f"{name}.yaml").read_text())
    return loaded


@pytest.fixture
def api() -> client.ApiClient:
    """Speak to the cluster as its administrator."""
    return config.new_client_from_config(KUBECONFIG)


@pytest.fixture
def operator(api: client.ApiClient) -> Iterator[None]:
    """Have the Prometheus Operator's definitions: its own, or the small ones while the test runs."""
    definitions = client.ApiextensionsV1Api(api)
    made = []
    try:
        for body in yaml.safe_load_all((Path(__file__).parent / "crds.yaml").read_text()):
            name = body["metadata"]["name"]
            try:
                definitions.create_custom_resource_definition(body)
                made.append(name)
            except client.ApiException as error:
                if error.status != CONFLICT:
                    raise
            deadline = time.monotonic() + PATIENCE
            while not served(api, body["spec"]):
                assert time.monotonic() < deadline, f"{name} is not served"
        yield
    finally:
        for name in made:
            definitions.delete_custom_resource_definition(name)


def served(api: client.ApiClient, spec: dict[str, Any]) -> bool:
    """Return whether objects of that definition can be listed."""
    try:
        version = spec["versions"][0]["name"]
        client.CustomObjectsApi(api).list_cluster_custom_object(spec["group"], version, spec["names"]["plural"])
    except client.ApiException:
        return False
    return True


def path_of(document: dict[str, Any]) -> str:
    """Return where an object of that kind is created, in the namespace `default`."""
    version, kind = document["apiVersion"], document["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = "" if kind.startswith("Cluster") else "/namespaces/default"
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    return f"{root}{namespace}/{plural.lower()}"


@pytest.mark.real
@pytest.mark.skipif(not KUBECONFIG, reason="KSM_SHARD_KUBECONFIG names no kubeconfig")
# The kubeconfig may say not to verify the server, as that of a test server does.
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.usefixtures("operator")
def test_the_api_server_takes_every_manifest(api: client.ApiClient) -> None:
    """The API server would create every object, and knows every field of it."""
    refused = {}
    query = [("dryRun", "All"), ("fieldValidation", "Strict")]
    for file, body in documents():
        headers = {"Content-Type": "application/json"}
        request = api.param_serialize(
            "POST", path_of(body), {}, query, headers, body=body, auth_settings=["BearerToken"]
        )
        answer = api.call_api(*request)
        if answer.status != CREATED:
            refused[file] = answer.read()

    assert {} == refused


def test_every_manifest_is_in_the_kustomization() -> None:
    """What lies in the folder is applied."""
    files = {path.name for path in (DEPLOY / "statefulset").glob("*.yaml")} - {"kustomization.yaml"}

    assert files == set(manifest("kustomization")["resources"])


def test_the_exporter_understands_its_arguments() -> None:
    """The flags of the StatefulSet exist, and shard automatically."""
    container = manifest("statefulset")["spec"]["template"]["spec"]["containers"][0]

    settings = parse(container["args"], {})

    assert ("$(POD_NAME)", "$(POD_NAMESPACE)") == (settings.pod, settings.pod_namespace)


def test_the_ports_are_those_of_the_exporter() -> None:
    """Container and Service name the default ports."""
    defaults = parse([], {})
    expected = {"metrics": defaults.port, "telemetry": defaults.telemetry_port}
    container = manifest("statefulset")["spec"]["template"]["spec"]["containers"][0]

    assert expected == {port["name"]: port["containerPort"] for port in container["ports"]}
    assert expected == {port["name"]: port["port"] for port in manifest("service")["spec"]["ports"]}


def test_a_pod_may_drain_before_it_is_killed() -> None:
    """The grace period is longer than the drain period and what the server allows itself after it."""
    template = manifest("statefulset")["spec"]["template"]["spec"]
    settings = parse(template["containers"][0]["args"], {})

    assert template["terminationGracePeriodSeconds"] >= settings.drain_period + MARGIN


def test_others_load_and_are_scraped_while_a_pod_drains() -> None:
    """Of the drain period, the longest start that `plan` sizes shards for and a scrape interval are spent before it ends."""
    container = manifest("statefulset")["spec"]["template"]["spec"]["containers"][0]
    settings = parse(container["args"], {})
    intervals = {endpoint["interval"] for endpoint in manifest("podmonitor")["spec"]["podMetricsEndpoints"]}

    assert intervals == {f"{settings.scrape_interval:g}s"}
    assert settings.drain_period >= LONGEST_START + settings.scrape_interval


def test_prometheus_finds_the_ports_it_scrapes() -> None:
    """The PodMonitor names ports of the container, and selects the pods."""
    monitor, template = manifest("podmonitor")["spec"], manifest("statefulset")["spec"]["template"]
    ports = {port["name"] for port in template["spec"]["containers"][0]["ports"]}

    assert ports == {endpoint["port"] for endpoint in monitor["podMetricsEndpoints"]}
    assert monitor["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()


def test_prometheus_without_the_operator_looks_in_the_same_namespace() -> None:
    """Each job of the scrape configuration finds pods where the kustomization puts them, and nowhere else."""
    jobs = yaml.safe_load((DEPLOY / "monitoring" / "scrape-config.yaml").read_text())["scrape_configs"]
    looked = [found["namespaces"]["names"] for job in jobs for found in job["kubernetes_sd_configs"]]

    assert looked == [[manifest("kustomization")["namespace"]]] * len(jobs)


def test_no_query_sees_which_shard_has_an_object() -> None:
    """Where shards write timestamps, both ways to scrape drop `instance` from samples of the cluster and honor the timestamps."""
    container = manifest("statefulset")["spec"]["template"]["spec"]["containers"][0]
    endpoint = manifest("podmonitor")["spec"]["podMetricsEndpoints"][0]
    job = yaml.safe_load((DEPLOY / "monitoring" / "scrape-config.yaml").read_text())["scrape_configs"][0]

    assert parse(container["args"], {}).handover_timestamps
    assert (endpoint["port"], job["job_name"]) == ("metrics", "ksm-shard")
    assert (
        endpoint["metricRelabelings"] == job["metric_relabel_configs"] == [{"action": "labeldrop", "regex": "instance"}]
    )
    assert endpoint["honorTimestamps"]
    assert job["honor_timestamps"]
    assert not endpoint.get("trackTimestampsStaleness")
    assert not job.get("track_timestamps_staleness")


def test_shards_are_told_apart_in_what_they_say_of_themselves() -> None:
    """Their telemetry keeps `instance`, which the alerts and the dashboard count by."""
    endpoint = manifest("podmonitor")["spec"]["podMetricsEndpoints"][1]
    job = yaml.safe_load((DEPLOY / "monitoring" / "scrape-config.yaml").read_text())["scrape_configs"][1]

    assert "metricRelabelings" not in endpoint
    assert "metric_relabel_configs" not in job


def test_nodes_are_drained_of_one_shard_at_a_time() -> None:
    """The disruption budget is of these pods, whatever their number."""
    budget, spec = manifest("poddisruptionbudget")["spec"], manifest("statefulset")["spec"]

    assert budget["selector"] == spec["selector"]
    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget


def test_the_cluster_role_is_generated() -> None:
    """The file is what the generator writes."""
    assert clusterrole() == MANIFEST.read_text()


def test_the_cluster_role_reads_and_nothing_else() -> None:
    """Every default resource may be listed and watched, and nothing else may be done."""
    rules = manifest("clusterrole")["rules"]
    defaults = {(resource.group, resource.plural) for resource in resources().values() if resource.default}

    assert defaults == {
        (group, plural) for rule in rules for group in rule["apiGroups"] for plural in rule["resources"]
    }
    assert all(["list", "watch"] == rule["verbs"] for rule in rules)


def test_the_auth_filter_has_its_rights_and_its_flag() -> None:
    """The component lets the exporter ask both questions and nothing more, and turns the filter on."""
    folder = DEPLOY / "auth-filter"
    component = yaml.safe_load((folder / "kustomization.yaml").read_text())
    role, binding = yaml.safe_load_all((folder / "reviewer.yaml").read_text())
    (patch,) = component["patches"]

    assert {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"} == set(component["resources"])
    assert {("tokenreviews", "create"), ("subjectaccessreviews", "create")} == {
        (resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]
    }
    assert binding["subjects"][0]["name"] == manifest("serviceaccount")["metadata"]["name"]
    assert parse([operation["value"] for operation in yaml.safe_load(patch["patch"])], {}).auth_filter


def test_the_network_policy_is_of_the_shards_and_lets_in_who_scrapes() -> None:
    """It selects the pods, lets both of their ports be reached from where Prometheus is, and is all that its component has."""
    folder = DEPLOY / "network-policy"
    policy = yaml.safe_load((folder / "networkpolicy.yaml").read_text())["spec"]
    template = manifest("statefulset")["spec"]["template"]
    (rule,) = policy["ingress"]
    ((peer,), ports) = rule["from"], {port["port"] for port in rule["ports"]}

    assert yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"] == ["networkpolicy.yaml"]
    assert policy["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert ports == {port["name"] for port in template["spec"]["containers"][0]["ports"]}
    assert peer["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": manifest("kustomization")["namespace"]
    }
    # Nothing that is asked for is left out of what is closed, and nothing is opened to everybody.
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert all(one.get("ports") for one in policy["egress"])


def test_names_that_no_namespace_holds_carry_one() -> None:
    """The kustomization writes its namespace into the name of each cluster-scoped object, and where the binding names the role."""
    named = {
        body["kind"]: body["metadata"]["name"]
        for file, body in documents()
        if body["kind"].startswith("Cluster") and file.startswith("statefulset/")
    }
    (replacement,) = manifest("kustomization")["replacements"]
    written = {target["select"]["kind"]: target["fieldPaths"] for target in replacement["targets"]}

    assert set(named.values()) == {"ksm-shard:default"} == {manifest("clusterrolebinding")["roleRef"]["name"]}
    assert written == {"ClusterRole": ["metadata.name"], "ClusterRoleBinding": ["metadata.name", "roleRef.name"]}
    assert set(named) == set(written)


def with_component(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return what the kustomization makes with a component named in it."""
    for part in ("statefulset", name):
        shutil.copytree(DEPLOY / part, folder / part)
    file = folder / "statefulset" / "kustomization.yaml"
    file.write_text(file.read_text() + f"components:\n  - ../{name}\n")
    command = ["kubectl", "kustomize", folder / "statefulset"]
    return list(yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_the_auth_filter_is_a_component(tmp_path: Path) -> None:
    """Named in the kustomization, it adds its flag to the StatefulSet, and its rights for the account of that namespace."""
    made = with_component(tmp_path, "auth-filter")
    named = {(one["kind"], one["metadata"]["name"]): one for one in made}

    container = named["StatefulSet", "ksm-shard"]["spec"]["template"]["spec"]["containers"][0]
    assert parse(container["args"], {}).auth_filter
    binding = named["ClusterRoleBinding", "ksm-shard-reviewer:monitoring"]
    assert ("ClusterRole", binding["roleRef"]["name"]) in named
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "ksm-shard", "namespace": "monitoring"}]
    assert ("ClusterRole", "ksm-shard-scraper:monitoring") in named


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_the_network_policy_is_a_component(tmp_path: Path) -> None:
    """Named in the kustomization, it is in the namespace of the pods, and selects them."""
    made = with_component(tmp_path, "network-policy")
    named = {one["kind"]: one for one in made}
    selector = named["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]

    assert named["NetworkPolicy"]["metadata"]["namespace"] == named["StatefulSet"]["metadata"]["namespace"]
    assert selector.items() <= named["StatefulSet"]["spec"]["template"]["metadata"]["labels"].items()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_fleets_in_two_namespaces_share_no_object(tmp_path: Path) -> None:
    """What is applied for one takes nothing of the other's: least of all the binding, without which it reads nothing more."""
    applied = {}
    for namespace in ("monitoring", "team-b"):
        folder = tmp_path / namespace
        shutil.copytree(DEPLOY / "statefulset", folder)
        file = folder / "kustomization.yaml"
        file.write_text(file.read_text().replace("namespace: monitoring", f"namespace: {namespace}"))
        command = ["kubectl", "kustomize", folder]
        made = list(yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        applied[namespace] = {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in made}
        (binding,) = [one for one in made if one["kind"] == "ClusterRoleBinding"]
        assert ("ClusterRole", None, binding["roleRef"]["name"]) in applied[namespace]
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "ksm-shard", "namespace": namespace}]

    assert ("ClusterRoleBinding", None, "ksm-shard:team-b") in applied["team-b"]
    assert not applied["monitoring"] & applied["team-b"]

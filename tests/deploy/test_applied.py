"""A real API server takes all that kustomize and Helm make of deploy/, and a scaling outlives what is applied after it.

What it does with the objects is not tried: there is no kubelet.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kubernetes import client, config

from tests.deploy.rendering import CHART, DEPLOY, NAMESPACE, VALUES, Object, build, only, release, render
from tests.deploy.test_chart import OURS, PEOPLE
from tests.e2e.realapi import RealApi
from tests.processes import PATIENCE, eventually

pytestmark = [
    pytest.mark.real,
    # Its certificate is of its own making.
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
]
NAMESPACES = (NAMESPACE, "prometheus", "team-a", "team-b")
TAKEN = {200, 201}


class Server:
    """Applies objects to an API server as its administrator."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.api = config.new_client_from_config(str(kubeconfig))

    def apply(self, body: Object, *, manager: str = "gitops", dry: bool = False) -> tuple[int, str]:
        """Apply an object server-side, checked strictly; return status and answer."""
        query = [("fieldManager", manager), ("fieldValidation", "Strict"), *([("dryRun", "All")] if dry else [])]
        return self._ask("PATCH", path_of(body), query, body, "application/apply-patch+yaml")

    def apply_client_side(self, body: Object) -> None:
        """Apply an object as `kubectl apply` does by default: what it applied before is in an annotation."""
        command = ["kubectl", f"--kubeconfig={self.kubeconfig}", "apply", "--filename=-"]
        subprocess.run(command, input=json.dumps(body), text=True, capture_output=True, timeout=PATIENCE, check=True)

    def scale(self, replicas: int) -> None:
        """Scale the StatefulSet, as `kubectl scale` does."""
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/ksm-shard/scale"
        query = [("fieldManager", "kubectl")]
        status, said = self._ask("PATCH", path, query, {"spec": {"replicas": replicas}}, "application/merge-patch+json")
        assert status in TAKEN, said

    def replicas(self) -> int:
        """Return how many shards there are to be."""
        return int(client.AppsV1Api(self.api).read_namespaced_stateful_set("ksm-shard", NAMESPACE).spec.replicas)

    def delete(self) -> None:
        """Delete the StatefulSet."""
        client.AppsV1Api(self.api).delete_namespaced_stateful_set("ksm-shard", NAMESPACE)

    def define(self, text: str) -> None:
        """Have the definitions of custom resources, and wait until they are served."""
        for body in yaml.safe_load_all(text):
            status, said = self.apply(body)
            assert status in TAKEN, said
            name = body["metadata"]["name"]
            definitions = client.ApiextensionsV1Api(self.api)

            def established(name: str = name, definitions: client.ApiextensionsV1Api = definitions) -> bool:
                conditions = definitions.read_custom_resource_definition(name).status.conditions or []
                return any(one.type == "Established" and one.status == "True" for one in conditions)

            eventually(established, f"{name} is not served", lambda: "")

    def _ask(self, method: str, path: str, query: list[tuple[str, str]], body: Object, content: str) -> tuple[int, str]:
        headers = {"Content-Type": content}
        request = self.api.param_serialize(method, path, {}, query, headers, body=body, auth_settings=["BearerToken"])
        answer = self.api.call_api(*request)
        return answer.status, answer.read().decode()


def path_of(body: Object) -> str:
    """Return where an object is."""
    version, kind, metadata = body["apiVersion"], body["kind"].lower(), body["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    space = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{space}/{plural}/{metadata['name']}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An API server with the namespaces and definitions that the values name."""
    with RealApi(tmp_path_factory.mktemp("realapi")) as real:
        made = Server(real.kubeconfig)
        for name in NAMESPACES:
            status, said = made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            assert status in TAKEN, said
        made.define((Path(__file__).parent / "crds.yaml").read_text())
        yield made


@pytest.mark.parametrize("people", ["", *PEOPLE])
def test_the_chart_is_taken(server: Server, people: str) -> None:
    """The API server knows each field, and would create each object."""
    objects = render(people, **OURS.get(people, {})) if people else render()
    assert not people or (VALUES / f"{people}.yaml").exists()
    answers = {f"{one['kind']} {one['metadata']['name']}": server.apply(one, dry=True) for one in objects}

    assert {} == {name: said for name, (status, said) in answers.items() if status not in TAKEN}


@pytest.mark.parametrize("components", [[], ["../auth-filter", "../as-kube-state-metrics"]])
def test_the_kustomizations_are_taken(server: Server, tmp_path: Path, components: list[str]) -> None:
    """Those of deploy/statefulset, with and without components, and deploy/monitoring."""
    folder = tmp_path / "deploy"
    shutil.copytree(DEPLOY, folder)
    file = folder / "statefulset/kustomization.yaml"
    file.write_text(file.read_text() + f"components: {components}\n")
    objects = [*build(file.parent), *build(folder / "monitoring")]
    answers = {f"{one['kind']} {one['metadata']['name']}": server.apply(one, dry=True) for one in objects}

    assert {} == {name: said for name, (status, said) in answers.items() if status not in TAKEN}


@pytest.mark.parametrize("side", ["server", "client"])
@pytest.mark.parametrize("made", ["kustomization", "chart"])
def test_a_scaling_outlives_the_next_apply(server: Server, made: str, side: str) -> None:
    """What is applied has no number of shards, so it takes none back."""
    if side == "client" and shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")

    def applied(version: str) -> None:
        objects = build(DEPLOY / "statefulset") if made == "kustomization" else render()
        body = only(objects, "StatefulSet")
        body["spec"]["template"]["metadata"].setdefault("annotations", {})["version"] = version
        if side == "client":
            server.apply_client_side(body)
            return
        status, said = server.apply(body)
        assert status in TAKEN, said

    applied("1")
    try:
        assert server.replicas() == 1
        server.scale(5)
        applied("2")
        assert server.replicas() == 5
    finally:
        server.delete()


def test_a_number_in_the_values_takes_it_back(server: Server) -> None:
    """The API server says whose the field is, and who forces it has it."""
    body = only(render(replicas=2), "StatefulSet")
    assert server.apply(body)[0] in TAKEN
    try:
        server.scale(5)
        status, said = server.apply(body)
        assert (409, True) == (status, ".spec.replicas" in said)
    finally:
        server.delete()


def test_an_upgrade_leaves_the_number_and_an_uninstall_nothing(server: Server) -> None:
    """A release is installed, scaled, upgraded and removed, as Helm does it."""
    release("install", server.kubeconfig, CHART)
    try:
        server.scale(5)
        release("upgrade", server.kubeconfig, CHART, image={"tag": "2"})
        assert server.replicas() == 5
    finally:
        release("uninstall", server.kubeconfig)
    left = client.RbacAuthorizationV1Api(server.api).list_cluster_role().items

    assert [] == [one.metadata.name for one in left if one.metadata.name.startswith("ksm-shard")]

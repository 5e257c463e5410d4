"""kubectl itself, where it is installed, against both servers: what it sends is taken."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.simulator.servers import Server
from tests.simulator.test_honest_writes import DEPLOYMENT, pod

pytestmark = [
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed"),
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
]


def test_what_people_do(server: Server, tmp_path: Path) -> None:
    """Apply and apply again, patch, label, scale, ask by short names, and delete with a grace period."""

    def kubectl(*words: str) -> str:
        token = server.headers.get("Authorization", "").removeprefix("Bearer ")
        way = [f"--server={server.url}", "--insecure-skip-tls-verify", f"--token={token}", f"--cache-dir={tmp_path}"]
        command = ["kubectl", "--kubeconfig=/dev/null", *way, f"--namespace={server.namespace}", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        # From 1.34 on it says where from.
        return done.stdout.strip().removesuffix(f" from {server.namespace} namespace")

    def write(image: str, replicas: int) -> str:
        template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": image}]}}
        spec = DEPLOYMENT["spec"] | {"replicas": replicas, "template": template}
        manifest = DEPLOYMENT | {"metadata": {"name": "web"}, "spec": spec}
        tmp_path.joinpath("web.json").write_text(json.dumps(manifest))
        return f"--filename={tmp_path / 'web.json'}"

    pod(server, "p")
    said = [
        kubectl("apply", write("i:1", 2)),
        kubectl("apply", write("i:2", 0)),
        kubectl("apply", write("i:2", 0)),
        kubectl(
            "patch", "deploy", "web", "-p", '{"spec":{"template":{"spec":{"containers":[{"name":"b","image":"i"}]}}}}'
        ),
        kubectl("label", "deploy/web", "a=b"),
        kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.replicas} {..image} {.metadata.labels}"),
        kubectl("scale", "deploy", "web", "--replicas=3"),
        kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}", "--subresource=scale"),
        kubectl("scale", "deploy", "web", "--replicas=0", "--current-replicas=3"),
        kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}", "--subresource=scale"),
        kubectl("delete", "po", "p", "--grace-period=7", "--wait=false"),
        kubectl("get", "po", "p", "-o", "jsonpath={.metadata.deletionGracePeriodSeconds}"),
        kubectl("delete", "po", "p", "--force", "--grace-period=0"),
        kubectl("get", "po,sts", "-o", "name"),
        kubectl("delete", "deploy", "web"),
    ]

    deployment = "deployment.apps/web"
    assert said == [
        f"{deployment} created",
        f"{deployment} configured",
        f"{deployment} unchanged",
        f"{deployment} patched",
        f"{deployment} labeled",
        '0 i i:2 {"a":"b"}',
        f"{deployment} scaled",
        "3",
        f"{deployment} scaled",
        "",
        'pod "p" deleted',
        "7",
        'pod "p" force deleted',
        "",
        'deployment.apps "web" deleted',
    ]

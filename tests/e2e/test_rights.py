"""Rights that kube-state-metrics' own ClusterRole gives: what is not served is absent, whatever RBAC says of it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ksm_shard.simulator.simulator import Simulator
from tests.e2e.realapi import RealApi
from tests.e2e.test_storm import pod
from tests.processes import Exporter, eventually

ROLE = Path(__file__).parents[2] / "deploy/statefulset/clusterrole.yaml"
ACCOUNT = {"kind": "ServiceAccount", "name": "ksm", "namespace": "default"}


def told(one: Exporter) -> None:
    """Assert that nothing of users is a failed list, and that nothing is forbidden."""
    eventually(lambda: "users: absent (not waited for)" in one.scrape("/readyz"), "users are not absent")
    own = one.scrape_telemetry()
    assert 'ksm_shard_state{resource="users",state="absent"} 1.0' in own
    assert 'ksm_shard_watch_errors_total{error="absent",resource="users"}' in own
    assert 'state="forbidden"' not in own
    assert 'error="forbidden"' not in own
    for result in ("error", "success"):
        assert f'kube_state_metrics_list_total{{resource="*v1alpha2.User",result="{result}"}} 0.0' in own


def test_on_the_simulator() -> None:
    """RBAC answers 403 before anybody looks whether the API exists; discovery says that it does not."""
    with Simulator([pod("p", "Running", 0)]) as simulator:
        simulator.faults.add("403", "users", seconds=600)
        with Exporter(f"--apiserver={simulator.url}", "--resources=pods,users") as one:
            told(one.ready())


@pytest.mark.real
def test_for_real(tmp_path: Path) -> None:
    """A service account with the rules that people have is ready without users, and has no failed list."""
    role = yaml.safe_load(ROLE.read_text())
    # Theirs knows nothing of KubeSphere's users.
    role["rules"] = [rule for rule in role["rules"] if rule["apiGroups"] != ["iam.kubesphere.io"]]
    binding: dict[str, Any] = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "ksm"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role["metadata"]["name"]},
        "subjects": [ACCOUNT],
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT["name"]}}
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    with RealApi(tmp_path) as server:
        with server.admin() as api:
            api("POST", accounts, account)
            api("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", role)
            api("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
            token = api("POST", f"{accounts}/{ACCOUNT['name']}/token", asked)["status"]["token"]
        with Exporter(f"--kubeconfig={server.kubeconfig_of(token)}") as one:
            told(one.ready())
            assert 'ksm_shard_state{resource="pods",state="watching"} 1.0' in one.scrape_telemetry()

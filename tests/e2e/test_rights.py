"""Rights that kube-state-metrics' own ClusterRole gives: what is not served is absent, whatever RBAC says of it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ksm_shard.collector.status import rights_problems
from ksm_shard.simulator.simulator import Simulator
from tests.e2e.realapi import RealApi
from tests.e2e.test_absent import Passing, following, lease, text_of
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


def test_a_right_that_is_taken_and_given_back() -> None:
    """What was listed is served on, and is called old once all answers have been 403 for 90 s; not when one is well again."""
    told, forbidden = [], []

    def meanwhile() -> None:
        # In the wait after each answer that was none, with the clock as it is at the end of that.
        told.append([line[:39] for line in rights_problems([collector]).values()])
        since = informer._observer.forbidden_since
        forbidden.append(since is not None and sum(stop.waits) - since >= 90)
        assert 'lease="first"' in text_of(collector)
        if sum(forbidden) == 2:
            simulator.faults.clear()

    stop = Passing(meanwhile)
    with Simulator([lease("first")]) as simulator:
        collector, informer = following(simulator, stop, lambda: sum(stop.waits))
        informer.thread.start()
        try:
            eventually(lambda: 'lease="first"' in text_of(collector), "never listed")
            simulator.faults.add("403", "leases", seconds=600)
            simulator.faults.add("drop", "leases")
            eventually(lambda: True in forbidden, "never taken for lost")
            simulator.put(lease("second"))
            eventually(lambda: 'lease="second"' in text_of(collector), "never watched again")
            after = rights_problems([collector])
        finally:
            informer.reflector.stop()
            informer.thread.join()

    assert told == [["leases could be read, and are forbidden"] if old else [] for old in forbidden]
    assert forbidden[:2] == [False, False]
    assert after == {}


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

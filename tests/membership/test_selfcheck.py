"""What a pod finds wrong with itself. That it is told everywhere, by real processes: tests/e2e/test_selfcheck.py."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from ksm_shard.assembly import needs_of
from ksm_shard.membership.selfcheck import Needs, pod_problems, selector_problems
from ksm_shard.settings import parse
from ksm_shard.status.setup import SetupCheck

NEEDS = Needs(handover=45.0, grace=85.0, ports=(8080, 8081))
READYZ = {"httpGet": {"path": "/readyz", "port": "telemetry"}, "periodSeconds": 5, "failureThreshold": 3}
LIVEZ = {"httpGet": {"path": "/livez", "port": "metrics"}}
PORTS = [{"name": "metrics", "containerPort": 8080}, {"name": "telemetry", "containerPort": 8081}]
CONTAINER = {"name": "ksm-shard", "ports": PORTS, "readinessProbe": READYZ, "livenessProbe": LIVEZ}
PROXY = {"name": "proxy", "ports": [{"name": "https", "containerPort": 8443}]}
DEPLOYED = Path(__file__).parents[2] / "deploy/statefulset/statefulset.yaml"


def pod(*containers: dict[str, Any], grace: int | None = 90, **spec: Any) -> dict[str, Any]:
    """Return a pod of these containers."""
    more = {} if grace is None else {"terminationGracePeriodSeconds": grace}
    return {"spec": {"containers": list(containers), **more, **spec}}


def ready(path: str | None = "/readyz", port: object = 8081, **more: Any) -> dict[str, Any]:
    """Return the container with another readiness probe."""
    return {**CONTAINER, "readinessProbe": {"httpGet": {"path": path, "port": port}, "periodSeconds": 5, **more}}


def test_the_manifest_of_deploy_is_all_right() -> None:
    """What an API server makes of the template, with the settings that are its arguments."""
    template = yaml.safe_load(DEPLOYED.read_text())["spec"]["template"]
    settings = parse(template["spec"]["containers"][0]["args"], {})

    assert pod_problems(template, needs_of(settings)) == {}


@pytest.mark.parametrize(
    ("spec", "begins"),
    [
        (pod(CONTAINER), ""),
        (pod(ready(port="metrics")), ""),
        (pod(ready(port=8080)), ""),
        (pod(ready("/readyz?verbose")), ""),
        (pod({**CONTAINER, "readinessProbe": {"exec": {"command": ["wget", "http://[::1]:8081/readyz"]}}}), "takes 30 s"),
        (pod({**CONTAINER, "readinessProbe": None}), "the pod has no readinessProbe"),
        (pod({"name": "bare"}), "the pod has no readinessProbe"),
        (pod(ready("/healthz")), "the readinessProbe asks /healthz on port 8081"),
        (pod(ready("/")), "the readinessProbe asks / on port 8081"),
        (pod(ready(None)), "the readinessProbe asks / on port 8081"),
        (pod(ready("/livez", port="metrics")), "the readinessProbe asks /livez on port metrics"),
        (pod(ready(port=9090)), "the readinessProbe asks /readyz on port 9090"),
        (pod(ready(port="other")), "the readinessProbe asks /readyz on port other"),
        (pod({**CONTAINER, "readinessProbe": {"tcpSocket": {"port": 8080}}}), "the readinessProbe asks tcpSocket"),
        (pod(ready(failureThreshold=5)), "takes 25 s"),
        (pod(ready(periodSeconds=10)), "takes 30 s"),  # as people have it from kube-state-metrics' chart
        (pod(ready(periodSeconds=7)), ""),
        # A proxy or a mesh in front: any port, and a longer path.
        (pod(ready(port=8443), PROXY), ""),
        (pod(ready("/app-health/ksm-shard/readyz", 15020), PROXY), ""),
        (pod({**CONTAINER, "readinessProbe": None}, {**PROXY, "readinessProbe": READYZ}), ""),
        (pod(ready("/healthz"), PROXY), "the readinessProbe asks /healthz on port 8081"),
        (
            pod({"name": "bare"}, initContainers=[{"name": "side", "restartPolicy": "Always", "readinessProbe": READYZ}]),
            "",
        ),
        (pod({"name": "bare"}, initContainers=[{"name": "init", "readinessProbe": READYZ}]), "the pod has no"),
    ],
)  # fmt: skip
def test_readiness_probe(spec: dict[str, Any], begins: str) -> None:
    """A probe that others can go by asks for readiness, and tells of it before they let go of anything."""
    line = pod_problems(spec, NEEDS).get(SetupCheck.READINESS_PROBE, "")

    assert line.removeprefix("the readinessProbe ").startswith(begins.removeprefix("the readinessProbe ")), line
    assert bool(line) == bool(begins)


@pytest.mark.parametrize(
    ("get", "asked"),
    [
        ({"path": "/livez", "port": "metrics"}, ""),
        ({"path": "/healthz", "port": 8080}, ""),
        ({"path": "/", "port": 8081}, ""),
        ({"path": "/readyz", "port": 9090}, ""),
        ({"path": "/readyz", "port": "telemetry"}, "/readyz"),
        ({"path": "/readyz?x", "port": 8080}, "/readyz"),
        ({"path": "/metrics", "port": "metrics"}, "/metrics"),
    ],
)
def test_liveness_probe(get: dict[str, Any], asked: str) -> None:
    """What is 503 while a shard loads is no sign of life. Without a probe nothing is restarted, which is no fault."""
    found = pod_problems(pod({**CONTAINER, "livenessProbe": {"httpGet": get}}), NEEDS)

    assert found.keys() == ({SetupCheck.LIVENESS_PROBE} if asked else set())
    assert f"asks {asked}," in found.get(SetupCheck.LIVENESS_PROBE, "asks ,")
    assert pod_problems(pod({**CONTAINER, "livenessProbe": None}), NEEDS) == {}


BASIC = [{"name": "authorization", "value": "Basic YTpi"}]


@pytest.mark.parametrize(
    ("needs", "more", "says"),
    [
        ({}, {}, ""),
        ({}, {"scheme": "HTTP"}, ""),
        ({}, {"scheme": "HTTPS"}, "does not speak HTTP, "),
        ({"tls": True}, {}, "does not speak HTTPS, "),
        ({"tls": True}, {"scheme": "HTTPS"}, ""),
        (
            {"tls": True, "certificate": True},
            {"scheme": "HTTPS"},
            "fails, as --tls-config requires a client certificate",
        ),
        ({"password": True}, {}, "fails, as --tls-config asks for a password"),
        ({"password": True}, {"httpHeaders": [{"name": "Accept", "value": "a"}]}, "fails, as --tls-config asks for"),
        ({"password": True}, {"httpHeaders": BASIC}, ""),
        # Those of another process in the pod are its own.
        ({"tls": True}, {"port": 15020}, ""),
    ],
)
@pytest.mark.parametrize("name", ["readinessProbe", "livenessProbe", "startupProbe"])
def test_what_the_ports_ask_of_a_probe(name: str, needs: dict[str, bool], more: dict[str, Any], says: str) -> None:
    """A probe speaks what the ports speak, and shows what they ask for, or it fails from the start."""
    right = {"scheme": "HTTPS"} if needs.get("tls") else {}
    right |= {"httpHeaders": BASIC} if needs.get("password") else {}
    gets = {
        "readinessProbe": {"path": "/readyz", "port": "telemetry", **right},
        "livenessProbe": {"path": "/livez", "port": "metrics", **right},
        "startupProbe": {"path": "/livez", "port": "metrics", **right},
    }
    gets[name] = {key: gets[name][key] for key in ("path", "port")} | more
    probes = {
        one: {"httpGet": get, "periodSeconds": 5}
        for one, get in gets.items()
        if one == name or not needs.get("certificate")
    }
    found = pod_problems(
        pod({**CONTAINER, "livenessProbe": None, **probes}, PROXY), dataclasses.replace(NEEDS, **needs)
    )
    check = SetupCheck.READINESS_PROBE if name == "readinessProbe" else SetupCheck.LIVENESS_PROBE

    said = found.get(check, "").removeprefix(f"the {name} ")
    assert said.startswith(says)
    assert bool(said) == bool(says)


def test_needs_of_a_web_configuration(tmp_path: Path) -> None:
    """They are read in the file of --tls-config."""
    file = tmp_path / "web.yml"
    tls = "cert_file: a, key_file: b, client_auth_type: RequireAnyClientCert"
    file.write_text(f"tls_server_config: {{{tls}}}\nbasic_auth_users: {{alice: $2y$10${'a' * 53}}}\n")
    none, some = needs_of(parse([], {})), needs_of(parse([f"--tls-config={file}"], {}))

    assert (none.tls, none.password, none.certificate) == (False, False, False)
    assert (some.tls, some.password, some.certificate) == (True, True, True)


@pytest.mark.parametrize(
    ("grace", "sleep", "says"),
    [
        (85, 0, ""),
        (3600, 0, ""),
        (84, 0, "terminationGracePeriodSeconds is 84: "),
        (None, 0, "terminationGracePeriodSeconds is 30: "),
        (0, 0, "terminationGracePeriodSeconds is 0: "),
        (90, 5, ""),
        (90, 10, "terminationGracePeriodSeconds is 90, of which preStop takes 10 s: "),
    ],
)
def test_grace_period(grace: int | None, sleep: int, says: str) -> None:
    """The kubelet kills a pod no sooner than it has drained; what a hook before SIGTERM sleeps is lost to it."""
    container = {**CONTAINER, "lifecycle": {"preStop": {"sleep": {"seconds": sleep}}}} if sleep else CONTAINER
    line = pod_problems(pod(container, grace=grace), NEEDS).get(SetupCheck.GRACE_PERIOD, "")

    assert line.startswith(says)
    assert bool(line) == bool(says)


def test_ports_that_are_not_known() -> None:
    """A process with ports of the system's choice asks no probe for its port."""
    needs = Needs(handover=45.0, grace=85.0, ports=(0, 0))

    assert pod_problems(pod(ready(port=9090)), needs) == {}
    assert pod_problems(pod(ready("/healthz", port=9090)), needs).keys() == {SetupCheck.READINESS_PROBE}


@pytest.mark.parametrize("odd", [{}, {"spec": None}, {"spec": {"containers": None}}, pod({"name": "x", "ports": None})])
def test_a_pod_that_says_nothing(odd: dict[str, Any]) -> None:
    """Is one without a readiness probe, and with the default grace period, where that is not said."""
    assert SetupCheck.READINESS_PROBE in pod_problems(odd, NEEDS)


@pytest.mark.parametrize(
    ("controllers", "says"),
    [
        ({}, ""),
        ({"ksm-0": "StatefulSet ksm", "ksm-1": "StatefulSet ksm"}, ""),
        ({"ksm-0": "StatefulSet ksm", "stray": ""}, ""),  # about to be adopted, or somebody's own
        (
            {"ksm-0": "StatefulSet ksm", "b-0": "StatefulSet b"},
            "the selector of StatefulSet ksm also selects b-0 of StatefulSet b: ",
        ),
        ({"kube-state-metrics-1f2-x": "ReplicaSet kube-state-metrics-1f2"}, "the selector of StatefulSet ksm also selects "),
        (
            {f"b-{n}": "StatefulSet b" for n in range(5)},
            "the selector of StatefulSet ksm also selects b-0, b-1, b-2 and 2 more of StatefulSet b: ",
        ),
    ],
)  # fmt: skip
def test_shared_selector(controllers: dict[str, str], says: str) -> None:
    """All pods that the selector of the StatefulSet selects are its own, or nobody's."""
    line = selector_problems("ksm", controllers).get(SetupCheck.SHARED_SELECTOR, "")

    assert line.startswith(says)
    assert bool(line) == bool(says)

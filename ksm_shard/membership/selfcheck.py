"""Checks of the own pod: one line for each assumption of the hand-over rule that fails.

Pure functions of the objects as the API server has them, in JSON. A pod's probes and grace period never change, so they are
looked at once; pods that the selector selects come and go.

check            what goes wrong otherwise
---------------  --------------------------------------------------------------------------------------------
readiness_probe  a shard counts as Ready before it has loaded, and the others let go of what nobody else has
liveness_probe   the kubelet kills a shard that takes its time to load, or while the API server is away
both of these    each probe fails that does not speak the TLS of --tls-config, or shows no password where one is asked for
grace_period     the kubelet kills a shard that drains, before the others have loaded what it had
shared_selector  Service, PodMonitor and PodDisruptionBudget take two fleets for one

What cannot be seen from here: the Service's publishNotReadyAddresses and the PodDisruptionBudget (no right to read them), and a
wider selector of another StatefulSet, which sees it itself. An update strategy and minReadySeconds of any kind are fine.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ksm_shard.status.setup import Setup, SetupCheck

# What the API server writes into a pod that does not say (API reference, PodSpec and Probe).
GRACE, PERIOD, FAILURES = 30, 10, 3
READY: Final = "/readyz"
# Paths that answer 503 to the kubelet while a shard loads.
LOADING: Final = frozenset({READY, "/metrics"})
# Pods that a line names.
NAMED: Final = 3

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Needs:
    """The demands of the settings on the pod, in seconds.

    Attributes:
        handover: the hand-over period.
        grace: from SIGTERM to the last answer, the drain period included.
        ports: of the own process; 0 for one that is not known.
        tls, password, certificate: whether the ports speak TLS, and ask all clients for a password, and for a certificate.
    """

    handover: float
    grace: float
    ports: tuple[int, ...]
    tls: bool = False
    password: bool = False
    certificate: bool = False


def pod_problems(pod: Json, needs: Needs) -> Setup:
    """Return what is wrong with the own pod."""
    spec = pod.get("spec") or {}
    found = {
        SetupCheck.READINESS_PROBE: _readiness(spec, needs),
        SetupCheck.LIVENESS_PROBE: _liveness(spec, needs),
        SetupCheck.GRACE_PERIOD: _grace(spec, needs),
    }
    return {check: line for check, line in found.items() if line}


def selector_problems(statefulset: str, controllers: Mapping[str, str]) -> Setup:
    """Return what is wrong with the selector of a StatefulSet.

    Args:
        statefulset: its name.
        controllers: of the pods that it selects, such as `StatefulSet ksm-shard`, by the name of the pod; "" for none.
    """
    own = f"StatefulSet {statefulset}"
    strange = {pod: by for pod, by in controllers.items() if by not in {"", own}}
    if not strange:
        return {}
    line = (
        f"the selector of {own} also selects {_listed(sorted(strange))} of {_listed(sorted({*strange.values()}))}: "
        "give each fleet a namespace, or labels of its own"
    )
    return {SetupCheck.SHARED_SELECTOR: line}


def _readiness(spec: Json, needs: Needs) -> str:
    probes = list(_probes(spec, "readinessProbe"))
    ours = [probe for container, probe in probes if _asks_ready(container, probe, needs, alone=_alone(spec))]
    if not ours:
        asked = " and ".join(sorted({_asked(probe) for _, probe in probes}))
        what = f"the readinessProbe asks {asked}" if probes else "the pod has no readinessProbe"
        return f"{what}: others take this shard for Ready before it has loaded; let it be httpGet {READY} on a port of ksm-shard"
    seconds = min(_seconds_of(probe) for probe in ours)
    if seconds >= needs.handover / 2:
        return (
            f"the readinessProbe takes {seconds:g} s (periodSeconds times failureThreshold) to tell that a shard is not Ready: "
            f"others have to see that in less than half of --handover-period, {needs.handover / 2:g} s"
        )
    return _fails(spec, "readinessProbe", needs)


def _liveness(spec: Json, needs: Needs) -> str:
    for container, probe in _probes(spec, "livenessProbe"):
        get = probe.get("httpGet") or {}
        path = _path(get)
        if path in LOADING and _is_own(container, get, needs):
            return f"the livenessProbe asks {path}, which is 503 while a shard loads: the kubelet kills it then; let it be /livez"
    return _fails(spec, "startupProbe", needs) or _fails(spec, "livenessProbe", needs)


def _fails(spec: Json, name: str, needs: Needs) -> str:
    """Say why a probe gets no answer from the own ports; "" if it does."""
    scheme = "HTTPS" if needs.tls else "HTTP"
    for container, probe in _probes(spec, name):
        get = probe.get("httpGet")
        if not get or not _is_own(container, get, needs):
            continue
        if (get.get("scheme") or "HTTP").upper() != scheme:
            return f"the {name} does not speak {scheme}, as this process does: let its httpGet have scheme: {scheme}"
        if needs.certificate:
            return (
                f"the {name} fails, as --tls-config requires a client certificate, which the kubelet does not have: "
                "let client_auth_type be VerifyClientCertIfGiven, and ask for a password or a token as well"
            )
        if needs.password and not any(one["name"].lower() == "authorization" for one in get.get("httpHeaders") or ()):
            return f"the {name} fails, as --tls-config asks for a password: let its httpGet have httpHeaders with an Authorization"
    return ""


def _grace(spec: Json, needs: Needs) -> str:
    grace = spec.get("terminationGracePeriodSeconds", GRACE)
    # The kubelet counts from before the preStop hook, SIGTERM comes after it.
    before = max((_sleep(container) for container in _containers(spec)), default=0)
    if grace - before >= needs.grace:
        return ""
    less = f", of which preStop takes {before} s" if before else ""
    return (
        f"terminationGracePeriodSeconds is {grace}{less}: the kubelet kills this shard before it has drained, "
        f"for which --drain-period and the last answers take {needs.grace:g} s"
    )


def _containers(spec: Json) -> list[Json]:
    """Return the containers that run with the others: init containers do that restart always."""
    sidecars = [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    return [*(spec.get("containers") or ()), *sidecars]


def _alone(spec: Json) -> bool:
    return len(_containers(spec)) == 1


def _probes(spec: Json, name: str) -> Iterator[tuple[Json, Json]]:
    """Yield each container that has such a probe, with the probe."""
    for container in _containers(spec):
        if probe := container.get(name):
            yield container, probe


def _asks_ready(container: Json, probe: Json, needs: Needs, *, alone: bool) -> bool:
    """Tell whether a probe asks for readiness. With a second container, a proxy or a mesh may have put itself in front."""
    if command := (probe.get("exec") or {}).get("command"):
        return any(READY in word for word in command)
    get = probe.get("httpGet") or {}
    if not alone:
        return _path(get).endswith(READY)
    return _path(get) == READY and _is_own(container, get, needs)


def _is_own(container: Json, get: Json, needs: Needs) -> bool:
    """Tell whether a probe asks a port of this process."""
    return _port(container, get) in needs.ports or 0 in needs.ports


def _asked(probe: Json) -> str:
    """Say what a probe asks."""
    if get := probe.get("httpGet"):
        return f"{_path(get)} on port {get.get('port')}"
    return next((kind for kind in ("exec", "tcpSocket", "grpc") if kind in probe), "nothing")


def _path(get: Json) -> str:
    return str(get.get("path") or "/").partition("?")[0]


def _port(container: Json, get: Json) -> int | None:
    """Return the number of a port that may be given by its name."""
    port = get.get("port")
    if isinstance(port, int):
        return port
    return next((one.get("containerPort") for one in container.get("ports") or () if one.get("name") == port), None)


def _seconds_of(probe: Json) -> int:
    """Return how long it takes until the kubelet tells that a pod is not Ready."""
    return int((probe.get("periodSeconds") or PERIOD) * (probe.get("failureThreshold") or FAILURES))


def _sleep(container: Json) -> int:
    """Return the seconds that a container's preStop hook sleeps, as far as it says so."""
    stop = (container.get("lifecycle") or {}).get("preStop") or {}
    return int((stop.get("sleep") or {}).get("seconds") or 0)


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more

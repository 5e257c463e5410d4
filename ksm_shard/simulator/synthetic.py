"""Makes up clusters that look real.

Their pods have about 7 kB of JSON and 50 lines of metrics each. The same numbers and seed make the same cluster. Objects are made
from templates, so that 20,000 pods take only some seconds.
"""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

Object = dict[str, Any]

NAMESPACES: Final = ("checkout", "search", "payments", "catalogue", "identity", "logistics", "reporting", "platform")
APPS: Final = ("web", "api", "worker", "cache", "scheduler", "importer", "gateway")
REPLICAS: Final = 25
BORN: Final = 1_760_000_000  # autumn of 2025, in Unix seconds
USERS: Final = 20


def cluster(pods: int, nodes: int, seed: int) -> Iterator[Object]:
    """Yield the objects of a cluster.

    These are nodes, pods, and what belongs to pods, such as workloads and services. Without pods there are only nodes.
    """
    chance = random.Random(seed)
    for namespace in NAMESPACES if pods else ():
        labels = {"kubernetes.io/metadata.name": namespace, "team": namespace}
        yield _object("v1", "Namespace", namespace, chance, labels=labels, status={"phase": "Active"})
    for number in range(nodes):
        yield _node(number, chance)
    for number in range(USERS if pods else 0):
        limits = {"user-cpu-limit": str(1 + number % 8), "user-memory-limit": f"{1 + number % 16}G"}
        yield _object(
            "iam.kubesphere.io/v1alpha2",
            "User",
            f"user-{number}",
            chance,
            annotations=limits,
            spec={"email": "u@example.com"},
        )
    for first in range(0, pods, REPLICAS):
        yield from _workload(first // REPLICAS, min(REPLICAS, pods - first), max(nodes, 1), chance)


def _workload(number: int, replicas: int, nodes: int, chance: random.Random) -> Iterator[Object]:
    """Yield a deployment with its replica set, pods, service, config map and secret."""
    namespace, app = NAMESPACES[number % len(NAMESPACES)], f"{APPS[number % len(APPS)]}-{number}"
    labels = {"app.kubernetes.io/name": app, "app.kubernetes.io/part-of": namespace, "team": namespace}
    put: dict[str, Any] = {"namespace": namespace, "chance": chance, "labels": labels}
    counts = {"replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas, "observedGeneration": 1}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "i"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    available = {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}
    yield _object(
        "apps/v1", "Deployment", app, **put,
        spec=spec | {"strategy": rolling}, status=counts | {"updatedReplicas": replicas, "conditions": [available]},
    )  # fmt: skip
    hashed = f"{chance.getrandbits(36):09x}"
    replica_set = _object(
        "apps/v1", "ReplicaSet", f"{app}-{hashed}", **put, spec=spec,
        status=counts | {"fullyLabeledReplicas": replicas}, owner=("Deployment", app),
    )  # fmt: skip
    yield replica_set
    port = {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}
    yield _object(
        "v1", "Service", app, **put,
        spec={"type": "ClusterIP", "clusterIP": f"10.0.{number // 250 % 250}.{number % 250}", "ports": [port], "selector": labels},
        status={"loadBalancer": {}},
    )  # fmt: skip
    yield _object("v1", "ConfigMap", f"{app}-config", **put, data={"settings.yaml": "level: info\n" * 40})
    yield _object("v1", "Secret", f"{app}-token", **put, type="Opaque", data={"token": "bm90IGEgc2VjcmV0"})
    for _ in range(replicas):
        yield _pod(
            f"{app}-{hashed}-{chance.getrandbits(25):05x}", namespace, labels, hashed, replica_set, nodes, chance
        )


def _pod(
    name: str, namespace: str, labels: dict[str, str], hashed: str, owner: Object, nodes: int, chance: random.Random
) -> Object:
    started = BORN + chance.randrange(10_000_000)
    address = f"10.{chance.randrange(64, 128)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"
    node = f"node-{chance.randrange(nodes):04d}"
    restarts = chance.choice((0, 0, 0, 0, 1, 3))
    made = _object(
        "v1", "Pod", name, chance, namespace=namespace, labels=labels | {"pod-template-hash": hashed},
        annotations={"kubectl.kubernetes.io/restartedAt": _time(started), "prometheus.io/scrape": "true"},
        owner=("ReplicaSet", owner["metadata"]["name"]),
        born=started,
    )  # fmt: skip
    made["metadata"]["generateName"] = f"{owner['metadata']['name']}-"
    made["metadata"]["managedFields"] = MANAGED
    made["spec"] = {
        "containers": [_container("app", 8080), _container("proxy", 15000)],
        "volumes": [
            {"name": "config", "configMap": {"name": f"{labels['app.kubernetes.io/name']}-config", "defaultMode": 420}},
            {
                "name": "token",
                "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": {"path": "token"}}]},
            },
        ],
        "nodeName": node,
        "serviceAccountName": "default",
        "serviceAccount": "default",
        "schedulerName": "default-scheduler",
        "priorityClassName": "normal",
        "priority": 1000,
        "preemptionPolicy": "PreemptLowerPriority",
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "securityContext": {"runAsNonRoot": True, "fsGroup": 1000},
        "tolerations": [
            {
                "key": f"node.kubernetes.io/{taint}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            }
            for taint in ("not-ready", "unreachable")
        ],
    }
    conditions = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    made["status"] = {
        "phase": "Running",
        "conditions": [
            {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": _time(started + 5)}
            for kind in conditions
        ],
        "hostIP": f"192.168.{chance.randrange(256)}.{chance.randrange(1, 255)}",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": _time(started),
        "qosClass": "Burstable",
        "containerStatuses": [_status("app", started, restarts, chance), _status("proxy", started, 0, chance)],
    }
    made["status"]["hostIPs"] = [{"ip": made["status"]["hostIP"]}]
    return made


def _container(name: str, port: int) -> Object:
    probe = {
        "httpGet": {"path": "/healthz", "port": port, "scheme": "HTTP"},
        "initialDelaySeconds": 5, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
    }  # fmt: skip
    return {
        "name": name,
        "image": f"registry.example.com/platform/{name}:v1.42.7",
        "imagePullPolicy": "IfNotPresent",
        "args": [f"--port={port}", "--log-format=json", "--config=/etc/config/settings.yaml"],
        "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
            {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "database", "key": "url"}}},
            {"name": "LOG_LEVEL", "value": "info"},
        ],
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
        "volumeMounts": [
            {"name": "config", "readOnly": True, "mountPath": "/etc/config"},
            {"name": "token", "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
        ],
        "livenessProbe": probe,
        "readinessProbe": probe,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def _status(name: str, started: int, restarts: int, chance: random.Random) -> Object:
    status: Object = {
        "name": name,
        "state": {"running": {"startedAt": _time(started + 4 + 3600 * restarts)}},
        "lastState": {},
        "ready": True,
        "started": True,
        "restartCount": restarts,
        "image": f"registry.example.com/platform/{name}:v1.42.7",
        "imageID": f"registry.example.com/platform/{name}@sha256:{'4f' * 32}",
        "containerID": f"containerd://{chance.getrandbits(256):064x}",
    }
    if restarts:
        ended = {
            "exitCode": 137,
            "reason": "OOMKilled",
            "startedAt": _time(started),
            "finishedAt": _time(started + 3600),
        }
        status["lastState"] = {"terminated": ended | {"containerID": status["containerID"]}}
    return status


def _node(number: int, chance: random.Random) -> Object:
    resources = {"cpu": "32", "memory": "131072Mi", "pods": "110", "ephemeral-storage": "400Gi"}
    kinds = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
    address = f"192.168.{number // 250}.{number % 250 + 1}"
    labels = {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "node-role.kubernetes.io/worker": ""}
    return _object(
        "v1", "Node", f"node-{number:04d}", chance,
        labels=labels | {"topology.kubernetes.io/zone": f"zone-{number % 3}"},
        spec={"podCIDR": f"10.{64 + number // 256}.{number % 256}.0/24", "providerID": f"example:///{number:08x}"},
        status={
            "capacity": resources,
            "allocatable": resources | {"cpu": "31500m"},
            "conditions": [{"type": kind, "status": str(kind == "Ready"), "reason": f"Kubelet{kind}"} for kind in kinds],
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": f"node-{number:04d}"}],
            "nodeInfo": {
                "kernelVersion": "6.8.0-45-generic", "osImage": "Ubuntu 24.04 LTS", "architecture": "amd64",
                "containerRuntimeVersion": "containerd://2.1.4", "kubeletVersion": "v1.36.1", "kubeProxyVersion": "",
                "operatingSystem": "linux", "systemUUID": f"{chance.getrandbits(128):032x}", "machineID": "m", "bootID": "b",
            },
        },
    )  # fmt: skip


def _object(
    api_version: str,
    kind: str,
    name: str,
    chance: random.Random,
    *,
    namespace: str = "",
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    owner: tuple[str, str] | None = None,
    born: int = BORN,
    **rest: Any,
) -> Object:
    metadata: Object = {
        "name": name,
        "uid": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "generation": 1,
        "creationTimestamp": _time(born),
    }
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = labels
    if annotations:
        metadata["annotations"] = annotations
    if owner:
        reference = {
            "apiVersion": "apps/v1",
            "kind": owner[0],
            "name": owner[1],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        metadata["ownerReferences"] = [reference | {"uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, owner[1]))}]
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _owned(*names: str) -> Object:
    return {f"f:{name}": {} for name in names}


# Managed fields, as kubectl, the controllers and the kubelet leave them in every object: a third of a real pod.
MANAGED: Final = [
    {
        "manager": "kube-controller-manager",
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2025-10-09T08:53:20Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:metadata": {
                "f:annotations": {".": {}, **_owned("kubectl.kubernetes.io/restartedAt", "prometheus.io/scrape")},
                "f:generateName": {},
                "f:labels": {
                    ".": {},
                    **_owned("app.kubernetes.io/name", "app.kubernetes.io/part-of", "team", "pod-template-hash"),
                },
                "f:ownerReferences": {".": {}, 'k:{"uid":"5b8e0c5a-7d0f-4f5e-9d9b-0c1f6f0a7b11"}': {}},
            },
            "f:spec": {
                "f:containers": {
                    f'k:{{"name":"{name}"}}': {
                        ".": {},
                        **_owned(
                            "args",
                            "image",
                            "imagePullPolicy",
                            "name",
                            "terminationMessagePath",
                            "terminationMessagePolicy",
                        ),
                        "f:livenessProbe": {".": {}, **_owned("failureThreshold", "periodSeconds", "timeoutSeconds")},
                        "f:resources": {".": {}, "f:limits": {".": {}, **_owned("cpu", "memory")}},
                    }
                    for name in ("app", "proxy")
                },
                **_owned(
                    "dnsPolicy", "enableServiceLinks", "priorityClassName", "restartPolicy", "schedulerName", "volumes"
                ),
            },
        },
    },
    {
        "manager": "kubelet",
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2025-10-09T08:53:25Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:status": {
                "f:conditions": {
                    f'k:{{"type":"{kind}"}}': {
                        ".": {},
                        **_owned("lastProbeTime", "lastTransitionTime", "status", "type"),
                    }
                    for kind in ("ContainersReady", "Initialized", "Ready")
                },
                **_owned("containerStatuses", "hostIP", "phase", "podIP", "startTime"),
            }
        },
        "subresource": "status",
    },
]

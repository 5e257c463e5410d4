"""Objects that belong to a workload, a namespace or a made-up cluster.

So there are some of every kind that is exported by default.
"""

import random
from collections.abc import Iterable, Iterator
from typing import Any

from ksm_shard.simulator.making import BORN, Object, make, moment

SECURITY = "security"  # the namespace of the webhooks
POLICY = "image-registries"


def node_name(number: int) -> str:
    """Return the name of a node."""
    return f"node-{number:04d}"


def of_workload(namespace: str, app: str, replicas: int, chance: random.Random) -> Iterator[Object]:
    """Yield an ingress, endpoints, and limits to the number of pods."""
    put: dict[str, Any] = {"namespace": namespace, "chance": chance, "labels": {"app.kubernetes.io/name": app}}
    selector = {"matchLabels": {"app.kubernetes.io/name": app}}
    ready = {"ready": True, "serving": True, "terminating": False}
    cpu = {"type": "Utilization", "averageUtilization": 70}
    yield make(
        "discovery.k8s.io/v1", "EndpointSlice", f"{app}-{chance.getrandbits(25):05x}", **put, addressType="IPv4",
        endpoints=[{"addresses": [f"10.64.{number}.{number + 1}"], "conditions": ready} for number in range(replicas)],
        ports=[{"name": "http", "port": 8080, "protocol": "TCP"}],
    )  # fmt: skip
    backend = {"service": {"name": app, "port": {"number": 80}}}
    paths = {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}
    yield make(
        "networking.k8s.io/v1", "Ingress", app, **put,
        spec={"ingressClassName": "public", "rules": [{"host": f"{app}.example.com", "http": paths}]},
    )  # fmt: skip
    yield make(
        "networking.k8s.io/v1", "NetworkPolicy", app, **put,
        spec={"podSelector": selector, "policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": 8080}]}]},
    )  # fmt: skip
    counts = {"currentHealthy": replicas, "desiredHealthy": max(replicas - 1, 0), "expectedPods": replicas}
    yield make(
        "policy/v1", "PodDisruptionBudget", app, **put, spec={"maxUnavailable": 1, "selector": selector},
        status=counts | {"disruptionsAllowed": 1, "observedGeneration": 1},
    )  # fmt: skip
    yield make(
        "autoscaling/v2", "HorizontalPodAutoscaler", app, **put,
        spec={
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": app},
            "minReplicas": 2,
            "maxReplicas": 2 * replicas,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": cpu}}],
        },
        status={"currentReplicas": replicas, "desiredReplicas": replicas},
    )  # fmt: skip


def of_namespace(namespace: str, chance: random.Random) -> Iterator[Object]:
    """Yield a database with its volume, a nightly job, and quotas."""
    put: dict[str, Any] = {"namespace": namespace, "chance": chance, "labels": {"team": namespace}}
    labels = {"app.kubernetes.io/name": "database"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "i"}]}}
    workload = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    volume = f"pvc-{namespace}"
    yield make(
        "apps/v1", "StatefulSet", "database", **put, spec=workload | {"serviceName": "database"},
        status={"replicas": 1, "readyReplicas": 1, "currentReplicas": 1, "updatedReplicas": 1, "observedGeneration": 1},
    )  # fmt: skip
    space = {"storage": "20Gi"}
    yield make(
        "v1", "PersistentVolumeClaim", "data-database-0", **put,
        spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": space}, "storageClassName": "fast", "volumeName": volume},
        status={"phase": "Bound", "capacity": space, "accessModes": ["ReadWriteOnce"]},
    )  # fmt: skip
    claim = {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": "data-database-0"}
    yield make(
        "v1", "PersistentVolume", volume, chance,
        spec={
            "capacity": space, "accessModes": ["ReadWriteOnce"], "claimRef": claim, "storageClassName": "fast",
            "persistentVolumeReclaimPolicy": "Delete", "csi": {"driver": "csi.example.com", "volumeHandle": volume},
        },
        status={"phase": "Bound"},
    )  # fmt: skip
    yield make(
        "storage.k8s.io/v1", "VolumeAttachment", f"csi-{volume}", chance,
        spec={"attacher": "csi.example.com", "nodeName": node_name(0), "source": {"persistentVolumeName": volume}},
        status={"attached": True},
    )  # fmt: skip
    job = {"template": {"spec": {"restartPolicy": "OnFailure", "containers": [{"name": "app", "image": "i"}]}}}
    last = moment(BORN + 86_400)
    yield make(
        "batch/v1", "CronJob", "backup", **put,
        spec={"schedule": "30 2 * * *", "concurrencyPolicy": "Forbid", "suspend": False, "jobTemplate": {"spec": job}},
        status={"lastScheduleTime": last, "lastSuccessfulTime": last},
    )  # fmt: skip
    yield make(
        "batch/v1", "Job", "backup-29345678", **put, spec=job | {"completions": 1, "parallelism": 1},
        status={
            "succeeded": 1, "startTime": last, "completionTime": moment(BORN + 86_700),
            "conditions": [{"type": "Complete", "status": "True"}],
        },
    )  # fmt: skip
    yield make(
        "v1", "ReplicationController", "legacy", **put, spec={"replicas": 0, "selector": labels},
        status={"replicas": 0, "observedGeneration": 1},
    )  # fmt: skip
    hard = {"pods": "1000", "requests.cpu": "200", "requests.memory": "200Gi"}
    yield make(
        "v1", "ResourceQuota", "quota", **put, spec={"hard": hard},
        status={"hard": hard, "used": {"pods": "100", "requests.cpu": "50", "requests.memory": "50Gi"}},
    )  # fmt: skip
    limits = {"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"cpu": "250m"}, "max": {"cpu": "8"}}
    yield make("v1", "LimitRange", "limits", **put, spec={"limits": [limits]})


def of_cluster(nodes: Iterable[int], chance: random.Random) -> Iterator[Object]:
    """Yield the objects of the cluster and of each node."""
    labels = {"app.kubernetes.io/name": "node-exporter"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "i"}]}}
    numbers = list(nodes)
    scheduled = {f"{word}NumberScheduled": len(numbers) for word in ("current", "desired", "updated")}
    counts = {f"number{word}": len(numbers) for word in ("Ready", "Available")} | {"observedGeneration": 1}
    yield make(
        "apps/v1", "DaemonSet", "node-exporter", chance, namespace="platform", labels=labels,
        spec={"selector": {"matchLabels": labels}, "template": template}, status=scheduled | counts,
    )  # fmt: skip
    for number in numbers:
        node = node_name(number)
        yield make(
            "coordination.k8s.io/v1", "Lease", node, chance, namespace="kube-node-lease",
            spec={"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": "2025-10-09T08:53:20.000000Z"},
        )  # fmt: skip
        yield make(
            "certificates.k8s.io/v1", "CertificateSigningRequest", f"csr-{node}", chance,
            spec={"signerName": "kubernetes.io/kubelet-serving", "request": "bm8=", "usages": ["server auth"]},
            status={"conditions": [{"type": "Approved", "status": "True"}], "certificate": "bm8="},
        )  # fmt: skip
    yield make(
        "storage.k8s.io/v1", "StorageClass", "fast", chance, provisioner="csi.example.com", reclaimPolicy="Delete",
        volumeBindingMode="WaitForFirstConsumer",
    )  # fmt: skip
    yield from _admission(chance)


def _admission(chance: random.Random) -> Iterator[Object]:
    """Yield webhooks and policies of the admission control."""
    api_version = "admissionregistration.k8s.io/v1"
    config = {"service": {"namespace": SECURITY, "name": "webhook", "path": "/"}}
    for kind, name in (("Mutating", "sidecars"), ("Validating", "checks")):
        webhook = {"name": f"{name}.example.com", "clientConfig": config, "sideEffects": "None"}
        webhooks = [webhook | {"admissionReviewVersions": ["v1"]}]
        yield make(api_version, f"{kind}WebhookConfiguration", name, chance, webhooks=webhooks)
        yield make(api_version, f"{kind}AdmissionPolicy", POLICY, chance, spec={"failurePolicy": "Fail"})
    yield make(api_version, "MutatingAdmissionPolicyBinding", POLICY, chance, spec={"policyName": POLICY})
    yield make(
        api_version, "ValidatingAdmissionPolicyBinding", POLICY, chance,
        spec={"policyName": POLICY, "validationActions": ["Deny"]},
    )  # fmt: skip

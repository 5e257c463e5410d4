"""Objects of a custom kind, 4.5 kB each, and the Custom Resource State file that makes 35 samples of each."""

from typing import Any, Final

KIND: Final = "Database"
DEFINITION: Final[dict[str, Any]] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "databases.bench.example.org"},
    "spec": {
        "group": "bench.example.org",
        "scope": "Namespaced",
        "names": {"kind": KIND, "plural": "databases", "singular": "database", "listKind": "DatabaseList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
FILE: Final = """
kind: CustomResourceStateMetrics
spec:
  resources:
  - groupVersionKind: {group: bench.example.org, version: v1, kind: Database}
    metricNamePrefix: database
    labelsFromPath: {name: [metadata, name], namespace: [metadata, namespace]}
    metrics:
    - {name: created, help: When., each: {type: Gauge, gauge: {path: [metadata, creationTimestamp]}}}
    - {name: spec_replicas, help: Wanted., each: {type: Gauge, gauge: {path: [spec, replicas]}}}
    - {name: status_replicas, help: There., each: {type: Gauge, gauge: {path: [status, replicas], nilIsZero: true}}}
    - {name: generation, help: Seen., each: {type: Gauge, gauge: {path: [status, observedGeneration]}}}
    - {name: storage_bytes, help: Size., each: {type: Gauge, gauge: {path: [spec, storage, size]}}}
    - {name: labels_info, help: Labels., each: {type: Info, info: {path: [metadata], labelsFromPath: {"label_*": [labels]}}}}
    - name: info
      help: What it is.
      each: {type: Info, info: {path: [spec], labelsFromPath: {engine: [engine], version: [version], class: [storage, class]}}}
    - name: status_phase
      help: Its phase.
      each: {type: StateSet, stateSet: {path: [status, phase], labelName: phase, list: [Pending, Running, Failing, Deleting, Lost]}}
    - name: status_condition
      help: Its conditions.
      each:
        type: Gauge
        gauge: {path: [status, conditions], valueFrom: [status], labelsFromPath: {type: [type], reason: [reason]}}
    - name: instance_ready
      help: Its instances.
      each:
        type: Gauge
        gauge: {path: [status, instances], valueFrom: [ready], labelsFromPath: {instance: [name], role: [role], zone: [zone]}}
"""


def database(number: int) -> dict[str, Any]:
    """Return an object: the same number gives the same object."""
    name = f"database-{number:05d}"
    moment = f"2026-03-{1 + number % 28:02d}T{number % 24:02d}:00:00Z"
    empty: dict[str, Any] = {}
    managed = {
        f"f:{key}": {f"f:{inner}": empty for inner in "abcdefgh"} for key in ("spec", "status", "metadata", "more")
    }
    kinds = ("Ready", "Available", "Progressing", "Degraded", "BackedUp", "Upgradeable")
    return {
        "apiVersion": "bench.example.org/v1",
        "kind": KIND,
        "metadata": {
            "annotations": {"example.org/note": "n" * 300},
            "creationTimestamp": moment,
            "generation": 3,
            "labels": {
                "app.kubernetes.io/name": "database",
                "app.kubernetes.io/instance": name,
                "team": f"team-{number % 40}",
            },
            "managedFields": [
                {"manager": f"m{at}", "operation": "Update", "time": moment, "fieldsV1": managed} for at in range(3)
            ],
            "name": name,
            "namespace": f"team-{number % 40}",
            "ownerReferences": [{"apiVersion": "v1", "kind": "Fleet", "name": "fleet", "uid": f"{number:08d}-owner"}],
            "resourceVersion": str(1000 + number),
            "uid": f"{number:08d}-0000-4000-8000-000000000000",
        },
        "spec": {
            "engine": "postgres",
            "version": f"16.{number % 5}",
            "replicas": 3 + number % 3,
            "storage": {"size": f"{10 + number % 90}Gi", "class": "fast"},
            "parameters": {f"parameter_{at}": f"value {at}" for at in range(20)},
        },
        "status": {
            "phase": "Running",
            "observedGeneration": 3,
            "replicas": 3 + number % 3,
            "conditions": [
                {
                    "type": kind,
                    "status": "True",
                    "reason": "AsExpected",
                    "lastTransitionTime": moment,
                    "message": "m" * 60,
                }
                for kind in kinds
            ],
            "instances": [
                {
                    "name": f"{name}-{at}",
                    "ready": at != 7,
                    "role": "replica" if at else "primary",
                    "zone": "abc"[at % 3],
                }
                for at in range(17)
            ],
        },
    }

"""What the simulator encodes, held against what the exporter reads; test_honest.py asks a real server about it."""

import json
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from ksm_shard.kinds import resources
from ksm_shard.simulator import protobuf
from ksm_shard.simulator.decoding import decoded
from ksm_shard.simulator.protobuf import META, Shared, encode, message_name
from ksm_shard.simulator.resources import BUILT_IN, ServedResource
from ksm_shard.wire import messages
from ksm_shard.wire.messages import core_v1_pb2

OBJECTS = Path(__file__).parents[1] / "kinds/objects"
POD = "k8s.io.api.core.v1.Pod"
# Every module of thin messages but `runtime`, whose messages are parts of what the API has: tests/wire/test_messages.py has those.
THIN = {
    module.name.removesuffix("_pb2"): f"k8s.io.api.{module.name.removesuffix('_pb2').replace('_', '.')}"
    for module in iter_modules(messages.__path__)
    if module.name != "runtime_pb2"
} | {"meta_v1": META, "metadata_v1": META}
ELSEWHERE = {
    "Metadata": f"{META}.PartialObjectMetadata",
    "Quantity": "k8s.io.apimachinery.pkg.api.resource.Quantity",
    "IntOrString": "k8s.io.apimachinery.pkg.util.intstr.IntOrString",
}


def shape(field: Any) -> tuple[Any, ...]:
    """Number, cardinality and type of a field; of a message only its name, for it is compared by itself."""
    kind = field.message_type
    entry = kind is not None and kind.GetOptions().map_entry
    inner = shape(kind.fields_by_name["value"]) if entry else kind.name if kind is not None else field.type
    return field.number, field.is_repeated, inner


@pytest.mark.parametrize("module", sorted(THIN))
def test_thin_messages_are_part_of_the_full_ones(module: str) -> None:
    """Every field that the exporter reads has the name, the number and the type that Kubernetes gives it."""
    thin = import_module(f"ksm_shard.wire.messages.{module}_pb2").DESCRIPTOR

    for message in thin.message_types_by_name.values():
        name = ELSEWHERE.get(message.name, f"{THIN[module]}.{message.name}")
        full = protobuf.message_class(name).DESCRIPTOR.fields_by_name
        for field in message.fields:
            assert shape(full[field.name]) == shape(field), f"{name}.{field.name}"


def test_every_kind_but_crds_has_a_message() -> None:
    """All exported kinds are served, and sent as protobuf, but for KubeSphere's, and for definitions of custom resources."""
    missing = [each.plural for each in BUILT_IN if not message_name(each.group, each.version, each.kind)]
    served = {(each.api_version, each.plural, each.kind, each.namespaced) for each in BUILT_IN}
    exported = {(each.api_version, each.plural, each.kind, each.namespaced) for each in resources().values()}

    assert missing == ["customresourcedefinitions"]
    assert {"iam.kubesphere.io/v1alpha2"} == {api_version for api_version, *_ in exported - served}


@pytest.mark.parametrize("group", ["apps.example.com", "apps.x-k8s.io", "example.com"])
def test_groups_of_others_have_no_message(group: str) -> None:
    """A custom resource that is called as a built-in one is JSON all the same."""
    assert message_name(group, "v1", "Deployment") is None


def test_a_text_may_be_called_as_an_embedded_message() -> None:
    """The handler of a runtime class is a word, and that of a probe a message whose fields stand in the probe's JSON."""
    name = "k8s.io.api.node.v1.RuntimeClass"
    runtime_class: Any = protobuf.message_class(name).FromString(encode(name, {"handler": "runsc"}))
    pod: Any = protobuf.message_class(POD).FromString(
        encode(POD, {"spec": {"containers": [{"livenessProbe": {"httpGet": {"path": "/livez"}}}]}})
    )

    assert runtime_class.handler == "runsc"
    assert encode(name, {}) == b""
    assert pod.spec.containers[0].livenessProbe.handler.httpGet.path == "/livez"


def test_more_than_is_read() -> None:
    """The bytes carry fields that no family reads, so that answers are as large as a real server's."""
    data = {"metadata": {"name": "a"}, "spec": {"hostname": "h", "containers": [{"name": "c", "args": ["--x"]}]}}

    full = protobuf.message_class(POD).FromString(encode(POD, data))
    thin = core_v1_pb2.Pod.FromString(encode(POD, data))

    assert (full.spec.hostname, list(full.spec.containers[0].args)) == ("h", ["--x"])  # type: ignore[attr-defined]
    assert (thin.metadata.name, thin.spec.containers[0].name) == ("a", "c")


def test_shared_lists_change_nothing() -> None:
    """An object with Shared parts is the same message as one without."""
    containers = [{"name": "c", "image": "i", "resources": {"limits": {"cpu": "1"}}}]
    volumes = [{"name": "v", "emptyDir": {}}]
    plain = {"metadata": {"name": "a"}, "spec": {"containers": containers, "volumes": volumes}, "status": {}}
    shared = {**plain, "spec": {"containers": Shared(containers), "volumes": Shared(volumes)}}
    kind = protobuf.message_class(POD)

    assert kind.FromString(encode(POD, shared)) == kind.FromString(encode(POD, plain))
    assert kind.FromString(encode(POD, shared)) == kind.FromString(encode(POD, plain)), "the second time from memory"


def test_presence() -> None:
    """An empty object is there and an absent one is not: `emptyDir: {}` says something."""
    kind = protobuf.message_class(POD)

    empty, absent = kind.FromString(encode(POD, {"status": {}})), kind.FromString(encode(POD, {}))

    assert (empty.HasField("status"), absent.HasField("status")) == (True, False)


def test_odd_names() -> None:
    """Kubernetes' protobuf names differ from its JSON names in five places; all of them are filled from JSON."""
    node = {"status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}}}
    hook = {"webhooks": [{"name": "w"}]}
    policy = {"spec": {"validations": [{"expression": "true"}], "variables": [{"name": "v", "expression": "1"}]}}
    parameters = {"spec": {"parameters": {"apiGroup": "g", "kind": "K", "name": "n"}}}
    admission = "k8s.io.api.admissionregistration.v1"

    def filled(name: str, data: dict[str, Any]) -> Any:
        return protobuf.message_class(name).FromString(encode(name, data))

    assert filled("k8s.io.api.core.v1.Node", node).status.daemonEndpoints.kubeletEndpoint.Port == 10250
    assert filled(f"{admission}.ValidatingWebhookConfiguration", hook).webhooks[0].name == "w"
    assert filled(f"{admission}.ValidatingAdmissionPolicy", policy).spec.variables[0].name == "v"
    assert filled(f"{admission}.ValidatingAdmissionPolicy", policy).spec.validations[0].expression == "true"
    assert filled("k8s.io.api.networking.v1.IngressClass", parameters).spec.parameters.apiGroup == "g"


def test_values_that_go_writes_oddly() -> None:
    """A zero time in a map is null in JSON, and the extra values of a certificate request are lists in a map."""
    budget = {"status": {"disruptedPods": {"p": None, "q": "2026-01-02T03:04:05Z"}}}
    request = {"spec": {"request": None, "extra": {"k": ["a", "b"], "none": []}}}

    status = encode("k8s.io.api.policy.v1.PodDisruptionBudget", budget)
    spec = encode("k8s.io.api.certificates.v1.CertificateSigningRequest", request)

    pods: Any = protobuf.message_class("k8s.io.api.policy.v1.PodDisruptionBudget").FromString(status)
    extra: Any = protobuf.message_class("k8s.io.api.certificates.v1.CertificateSigningRequest").FromString(spec)
    assert sorted(pods.status.disruptedPods) == ["p", "q"]
    assert {key: list(value.items) for key, value in extra.spec.extra.items()} == {"k": ["a", "b"], "none": []}


def test_types_are_those_of_the_wire() -> None:
    """Secrets' data are bytes under a string, as only they are in a map."""
    field: Any = protobuf.message_class("k8s.io.api.core.v1.Secret").DESCRIPTOR.fields_by_name["data"]

    assert field.message_type.fields_by_name["value"].type == FieldDescriptor.TYPE_BYTES


@pytest.mark.parametrize("resource", BUILT_IN, ids=lambda one: str(one.plural))
def test_there_and_back(resource: ServedResource) -> None:
    """An object that came as protobuf is the object that was sent: of no kind is a field lost or invented, but empty texts."""
    name = message_name(resource.group, resource.version, resource.kind)
    if name is None:
        pytest.skip("has no protobuf")
    for line in OBJECTS.joinpath(f"{resource.plural}.jsonl").read_text().splitlines():
        sent = encode(name, json.loads(line))
        back = encode(name, decoded(name, sent))
        first, second = (str(protobuf.message_class(name).FromString(raw)).splitlines() for raw in (sent, back))
        assert [text for text in first if text not in second and not text.endswith(': ""')] == []
        assert [text for text in second if text not in first] == []


def test_zero_values() -> None:
    """What Go sends of a field that is not set is left out, and what stands there as a pointer or always is not."""
    spec = {"replicas": 0, "minReadySeconds": 0, "paused": False}
    deployment = decoded("k8s.io.api.apps.v1.Deployment", encode("k8s.io.api.apps.v1.Deployment", {"spec": spec}))
    status = {"name": "", "ready": False, "restartCount": 0, "started": False, "containerID": ""}
    container = decoded("k8s.io.api.core.v1.ContainerStatus", encode("k8s.io.api.core.v1.ContainerStatus", status))

    assert deployment == {"spec": {"replicas": 0}}
    assert container == {"name": "", "ready": False, "restartCount": 0, "started": False}

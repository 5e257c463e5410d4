"""Objects that differ only in fields declared as varied, as the pods of a workload do, share what else there is to say of them."""

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ksm_shard.kinds import resources
from ksm_shard.metrics.families import Family, Resource
from tests.kinds.rendering import Renderer, objects
from tests.kinds.test_any_object import fields, put

RESOURCES = {plural: resource for plural, resource in resources().items() if resource.varied}


def forgetful(resource: Resource) -> Renderer:
    """Return a renderer that keeps no templates."""
    alone = copy(resource)
    alone.varied = {}
    return Renderer(alone)


FORGETFUL = {plural: forgetful(resource) for plural, resource in RESOURCES.items()}
# What a running pod that once terminated has of its own, without init containers, volumes and claims. All else is not asked again.
OWN = {
    "kube_pod_annotations",
    "kube_pod_container_info",
    "kube_pod_container_state_started",
    "kube_pod_container_status_last_terminated_timestamp",
    "kube_pod_container_status_restarts_total",
    "kube_pod_created",
    "kube_pod_deletion_timestamp",
    "kube_pod_info",
    "kube_pod_ips",
    "kube_pod_labels",
    "kube_pod_owner",
    "kube_pod_start_time",
    "kube_pod_status_container_ready_time",
    "kube_pod_status_initialized_time",
    "kube_pod_status_ready_time",
    "kube_pod_status_scheduled_time",
}


def changed(
    data: st.DataObject, descriptor: Any, contents: Mapping[str, Any], varied: Mapping[str, str]
) -> dict[str, Any]:
    """Return the contents of such a message with other values of the fields that vary, some of which may be absent then."""
    names = varied.get(descriptor.name, "").split()
    others = data.draw(fields(descriptor)) if names else {}
    made = {name: others[name] for name in names if name in others}
    for name, value in contents.items():
        inner = descriptor.fields_by_name[name].message_type
        if name in names:
            continue
        if inner is None or inner.GetOptions().map_entry:
            made[name] = value
        elif isinstance(value, list):
            made[name] = [changed(data, inner, one, varied) for one in value]
        else:
            made[name] = changed(data, inner, value, varied)
    return made


@pytest.mark.parametrize("plural", RESOURCES)
@settings(max_examples=25)
@given(data=st.data())
def test_objects_are_said_to_be_what_they_are_whoever_came_before(plural: str, data: st.DataObject) -> None:
    """Texts and failures are those of a renderer that keeps nothing."""
    resource = RESOURCES[plural]
    first = data.draw(fields(resource.shape.message.DESCRIPTOR))
    second = changed(data, resource.shape.message.DESCRIPTOR, first, resource.varied)
    knowing, writing = Renderer(resource), FORGETFUL[plural]
    for contents in (first, second, first):
        one = put(resource.shape.message(), contents)
        del knowing.failures[:], writing.failures[:]

        assert writing.text(one) == knowing.text(one)
        assert [name for name, _ in writing.failures] == [name for name, _ in knowing.failures]


def test_a_second_pod_of_a_workload_is_asked_only_for_what_it_has_of_its_own() -> None:
    """The functions of all other families are not called: their texts are those of the first."""
    asked: set[str] = set()

    def noting(family: Family) -> Family:
        def function(subject: Any) -> Any:
            asked.add(family.name)
            return family.function(subject)

        return replace(family, function=function)

    pods = RESOURCES["pods"]
    renderer = Renderer(pods, *map(noting, pods.families))
    pod, *_ = objects(pods)
    for message, names in (
        (pod.spec, ("initContainers", "volumes", "resourceClaims")),
        (pod.status, ("initContainerStatuses",)),
    ):
        for name in names:
            message.ClearField(name)
    renderer.samples(pod)
    asked.clear()
    pod.metadata.name, pod.spec.nodeName, pod.status.podIP = "web-1", "node-2", "10.0.0.2"
    pod.status.containerStatuses[0].restartCount += 1

    renderer.samples(pod)

    assert asked == OWN

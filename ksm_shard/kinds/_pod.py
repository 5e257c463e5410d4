"""The view of a pod: looks up once what several families need.

Nine families read the conditions of a pod, thirty its containers. Reading the message anew for each took 30 of 92 us a pod, because
each access to a message field makes a Python object (0.1 us). Families of `pods.viewed` read the view, which is made only if at
least one of them is on. Repeated message fields are sliced, `[:]`, before a loop: a loop over the field itself ends in an
IndexError, which costs 0.3 us.
"""

from functools import lru_cache

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import Rows
from ksm_shard.metrics.time import seconds_or_year_one
from ksm_shard.wire.messages.core_v1_pb2 import Container, ContainerStatus, Pod, PodCondition, ResourceRequirements


class SpecView:
    """A container as specified.

    Attributes:
        name: name of the container.
        container: the Container of the API.
        resources: its encoded ResourceRequirements.
    """

    __slots__ = ("container", "name", "resources")

    def __init__(self, container: Container) -> None:
        """Look up what several families need of a Container."""
        self.name = container.name
        self.container = container
        self.resources = container.resources.SerializeToString()


class StatusView:
    """The status of a container, with its current state looked up.

    Attributes:
        name: name of the container.
        container: the ContainerStatus of the API.
        running, waiting, terminated: details of the current state; None for the other two states.
        last: details of the last termination; None if the container never terminated.
    """

    __slots__ = ("container", "last", "name", "running", "terminated", "waiting")

    def __init__(self, container: ContainerStatus) -> None:
        """Look up the state in a ContainerStatus."""
        self.name = container.name
        self.container = container
        state = container.state
        has = state.HasField
        self.running = state.running if has("running") else None
        self.waiting = state.waiting if has("waiting") else None
        self.terminated = state.terminated if has("terminated") else None
        last = container.lastState
        self.last = last.terminated if last.HasField("terminated") else None


class PodView:
    """A pod with its conditions and containers looked up.

    Attributes:
        metadata, spec, status: as in the API.
        conditions: tuples of type, state (as `_shared.state_of` returns) and condition.
        containers, init_containers: the containers as specified.
        statuses, init_statuses: the statuses of the containers.
    """

    __slots__ = (
        "conditions",
        "containers",
        "init_containers",
        "init_statuses",
        "metadata",
        "spec",
        "status",
        "statuses",
    )

    def __init__(self, pod: Pod) -> None:
        """Look up the parts of a pod."""
        self.metadata = pod.metadata
        self.spec = spec = pod.spec
        self.status = status = pod.status
        self.containers = [SpecView(one) for one in spec.containers[:]]
        self.init_containers = [SpecView(one) for one in spec.initContainers[:]]
        self.statuses = [StatusView(one) for one in status.containerStatuses[:]]
        self.init_statuses = [StatusView(one) for one in status.initContainerStatuses[:]]
        state_of = _shared.STATE_OF.get
        self.conditions: list[tuple[str, str, PodCondition]] = [
            (one.type, state_of(one.status, ""), one) for one in status.conditions[:]
        ]

    def since(self, kind: str, status: str) -> int | None:
        """Return the Unix time at which a condition changed to the given status.

        Return None if the condition has another status or is absent.
        """
        for found, now, condition in self.conditions:
            if found == kind and now == status:
                return seconds_or_year_one(condition.lastTransitionTime)
        return None


# Cached (0.1 us instead of 2 us): a cluster has some hundreds of different resource requirements, which every replica repeats.
@lru_cache(maxsize=16384)
def limits_of(resources: bytes) -> Rows:
    """Return the limits in encoded ResourceRequirements as rows of resource, unit and value."""
    return _shared.resources_of(ResourceRequirements.FromString(resources).limits)


@lru_cache(maxsize=16384)
def requests_of(resources: bytes) -> Rows:
    """Return the requests in encoded ResourceRequirements as rows of resource, unit and value."""
    return _shared.resources_of(ResourceRequirements.FromString(resources).requests)

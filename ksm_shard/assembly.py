"""Build a running exporter from settings; the only module that knows every room."""

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from ksm_shard import kinds
from ksm_shard.cluster.client import ApiServer, connect
from ksm_shard.cluster.reader import Reader
from ksm_shard.cluster.reviews import AccessReviews
from ksm_shard.collector.collector import Collector
from ksm_shard.collector.targets import Scope, targets
from ksm_shard.exporter import Exporter
from ksm_shard.membership.protocol import Membership
from ksm_shard.membership.selfcheck import Needs
from ksm_shard.membership.statefulset import StatefulSetMembership
from ksm_shard.membership.static import StaticMembership
from ksm_shard.metrics.allowlists import patterns_for, without_effect
from ksm_shard.metrics.families import Family, Resource
from ksm_shard.metrics.filters import Filters
from ksm_shard.settings.options import options_of
from ksm_shard.settings.run import Settings
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.ranges import selector
from ksm_shard.sharding.rings import RINGS
from ksm_shard.status.model import ConfigFile
from ksm_shard.version import version
from ksm_shard.web.server import MARGIN

if TYPE_CHECKING:
    from ksm_shard.collector.custom import CustomResources
    from ksm_shard.collector.declared import Declared
    from ksm_shard.custom.resolve import Followed

LOG: Final = logging.getLogger(__name__)


def start(settings: Settings, config: ConfigFile | None = None) -> Exporter:
    """Build and start the exporter that the settings ask for.

    To be called in the worker, after the fork. `config` is the file that some of the settings come from.

    Raises:
        ConfigurationError: no API server was found.
        InvalidFileError: the file of Custom Resource State cannot be used.
    """
    declared = declared_of(settings)
    server = connect(settings.apiserver or None, settings.kubeconfig or None)
    filters = Filters(settings.metric_allowlist, settings.metric_denylist, settings.metric_opt_in_list)
    resources = enabled(settings)
    for line in surprises(settings, filters, resources, declared.families() if declared is not None else []):
        LOG.warning("%s", line)
    followed, idle = divided(resources, filters)
    if followed and idle:
        LOG.info("not followed, as no family of theirs is on: %s", ", ".join(resource.name for resource in idle))
    ring = RINGS[settings.sharding_mode]
    ownership = Ownership(ring)
    membership: Membership
    if settings.pod:
        pod, namespace = settings.pod, settings.pod_namespace
        membership = StatefulSetMembership(server, ownership, pod, namespace, needs_of(settings), settings.port)
    else:
        membership = StaticMembership(ring, settings.shard, settings.total_shards)
        ownership.change(membership.state().held)
    scope = scope_of(settings, ownership)

    def make(resource: Resource) -> Collector:
        return collector(resource, settings, filters, ownership, scope, server)

    exporter = Exporter(
        [make(resource) for resource in followed],
        ownership,
        membership,
        server,
        version=version(),
        settings=digest(settings),
        object_limit=settings.object_limit,
        config=config,
        custom=custom_of(declared, filters, server, make) if declared is not None else None,
        timestamps=settings.handover_timestamps,
        period=settings.handover_period,
    )
    exporter.start()
    return exporter


def declared_of(settings: Settings) -> "Declared | None":
    """Return the entries of Custom Resource State that the settings name; None if they name none.

    Raises:
        InvalidFileError: the file cannot be used.
    """
    path, text = settings.custom_resource_state_config_file, settings.custom_resource_state_config
    if not (path or text):
        return None
    from ksm_shard.collector.declared import Declared  # noqa: PLC0415  all of custom resources takes 25 ms and 3 MB

    return Declared(path, text, may_be_missing=settings.continue_without_custom_resource_state_config_file)


def custom_of(
    declared: "Declared", filters: Filters, server: ApiServer, make: Callable[[Resource], Collector]
) -> "CustomResources":
    """Make the source of custom resources, whose collectors `make` makes."""
    from ksm_shard.cluster.served import served  # noqa: PLC0415  as above
    from ksm_shard.collector.custom import CustomResources  # noqa: PLC0415
    from ksm_shard.collector.definitions import TARGET, Definitions  # noqa: PLC0415
    from ksm_shard.custom.resolve import resource_of  # noqa: PLC0415

    def made(followed: "Followed") -> Collector | None:
        resource = resource_of(followed)
        return make(resource) if filters.on(resource.families) else None

    definitions = Definitions(Reader(server, TARGET))
    return CustomResources(declared, partial(served, server), made, definitions)


def reviews(exporter: Exporter) -> AccessReviews:
    """Return who tells what bearer tokens may see: the API server that the exporter follows."""
    return AccessReviews(exporter.server)


def needs_of(settings: Settings) -> Needs:
    """Return what the settings ask of the own pod."""
    ports = settings.port, settings.telemetry_port
    return Needs(settings.handover_period, settings.drain_period + MARGIN, ports)


def enabled(settings: Settings) -> list[Resource]:
    """Return the resources to export, in alphabetical order.

    The defaults are exported unless some are named.
    """
    if settings.custom_resource_state_only:
        return []
    if settings.resources:  # the modules of the others take 14 ms and 6 MB
        return [kinds.resource(name) for name in kinds.names() if name in settings.resources]
    return [resource for resource in kinds.resources().values() if resource.default]


def divided(resources: list[Resource], filters: Filters) -> tuple[list[Resource], list[Resource]]:
    """Return the resources with an enabled family, and the others.

    The others need no list.
    """
    followed = [resource for resource in resources if filters.on(resource.families)]
    return followed, [resource for resource in resources if resource not in followed]


def surprises(
    settings: Settings, filters: Filters, resources: list[Resource], custom: Sequence[Family] = ()
) -> list[str]:
    """Return a line for each pattern or name without effect.

    There is one more if nothing is exported. `custom` are the families of custom resources.
    """
    families = [*(family for resource in resources for family in resource.families), *custom]
    on = filters.on(families)
    return [
        *filters.without_effect(families),
        *(
            f"{flag}: {line}"
            for flag, what, allowlist in (
                ("--metric-labels-allowlist", "labels", settings.metric_labels_allowlist),
                ("--metric-annotations-allowlist", "annotations", settings.metric_annotations_allowlist),
            )
            for line in without_effect(allowlist, what, resources, on)
        ),
        *([] if on else ["nothing is exported: no family of any enabled resource is on"]),
    ]


def digest(settings: Settings) -> str:
    """Return 12 hex digits, equal for shards with equal shared settings.

    Settings that may differ between shards are left out (`per_process`).
    """
    alike = [(one.name, getattr(settings, one.name)) for one in options_of(Settings) if not one.per_process]
    return hashlib.sha256(repr(sorted(alike)).encode()).hexdigest()[:12]


def collector(
    resource: Resource, settings: Settings, filters: Filters, ownership: Ownership, scope: Scope, server: ApiServer
) -> Collector:
    """Make a collector with its enabled families and its informers.

    There is an informer for each target in the scope.
    """
    made = Collector(
        resource,
        filters.on(resource.families),
        ownership,
        time.monotonic,
        labels_allowlist=patterns_for(settings.metric_labels_allowlist, resource.name),
        annotations_allowlist=patterns_for(settings.metric_annotations_allowlist, resource.name),
    )
    for target in targets(resource, scope):
        made.follow(target, Reader(server, target))
    return made


def scope_of(settings: Settings, ownership: Ownership) -> Scope:
    """Return the scope of objects that the settings ask for."""
    server_side = settings.sharding_mode == "server-side"
    return Scope(
        namespaces=settings.namespaces,
        namespaces_denylist=settings.namespaces_denylist,
        nodes=settings.node,
        unscheduled_pods=settings.track_unscheduled_pods,
        from_cache=settings.use_apiserver_cache,
        object_limit=settings.object_limit,
        shard_selector=(lambda: selector(ownership.mask)) if server_side else str,
    )

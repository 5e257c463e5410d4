"""Build a running exporter from settings; the only module that knows every room."""

import hashlib
import logging
import time
from typing import Final

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
from ksm_shard.metrics.families import Resource
from ksm_shard.metrics.filters import Filters
from ksm_shard.settings.options import options_of
from ksm_shard.settings.run import Settings
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.ranges import selector
from ksm_shard.sharding.rings import RINGS
from ksm_shard.status.model import ConfigFile
from ksm_shard.version import version
from ksm_shard.web.server import MARGIN

LOG: Final = logging.getLogger(__name__)


def start(settings: Settings, config: ConfigFile | None = None) -> Exporter:
    """Build and start the exporter that the settings ask for.

    To be called in the worker, after the fork. `config` is the file that some of the settings come from.

    Raises:
        ConfigurationError: no API server was found.
    """
    server = connect(settings.apiserver or None, settings.kubeconfig or None)
    filters = Filters(settings.metric_allowlist, settings.metric_denylist, settings.metric_opt_in_list)
    resources = enabled(settings)
    for line in surprises(settings, filters, resources):
        LOG.warning("%s", line)
    followed, idle = divided(resources, filters)
    if followed and idle:
        LOG.info("not followed, as no family of theirs is on: %s", ", ".join(resource.plural for resource in idle))
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
    exporter = Exporter(
        [collector(resource, settings, filters, ownership, scope, server) for resource in followed],
        ownership,
        membership,
        server,
        version=version(),
        settings=digest(settings),
        object_limit=settings.object_limit,
        config=config,
        timestamps=settings.handover_timestamps,
        period=settings.handover_period,
    )
    exporter.start()
    return exporter


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
    wanted = settings.resources
    return [
        resource for name, resource in kinds.resources().items() if (name in wanted if wanted else resource.default)
    ]


def divided(resources: list[Resource], filters: Filters) -> tuple[list[Resource], list[Resource]]:
    """Return the resources with an enabled family, and the others.

    The others need no list.
    """
    followed = [resource for resource in resources if filters.on(resource.families)]
    return followed, [resource for resource in resources if resource not in followed]


def surprises(settings: Settings, filters: Filters, resources: list[Resource]) -> list[str]:
    """Return a line for each pattern or name without effect.

    There is one more if nothing is exported.
    """
    families = [family for resource in resources for family in resource.families]
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
        labels_allowlist=patterns_for(settings.metric_labels_allowlist, resource.plural),
        annotations_allowlist=patterns_for(settings.metric_annotations_allowlist, resource.plural),
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

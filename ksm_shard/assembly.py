"""Build a running exporter from settings; the only module that knows every room."""

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ksm_shard import kinds
from ksm_shard.cluster.client import ApiServer, connect
from ksm_shard.cluster.errors import ConfigurationError
from ksm_shard.cluster.reader import Reader
from ksm_shard.cluster.reviews import AccessReviews
from ksm_shard.collector.collector import Collector
from ksm_shard.collector.pending import Allowance
from ksm_shard.collector.recipe import Recipe
from ksm_shard.collector.targets import Scope, targets
from ksm_shard.exporter import Exporter, Terms
from ksm_shard.membership.protocol import Membership
from ksm_shard.membership.selfcheck import Needs
from ksm_shard.membership.statefulset import StatefulSetMembership
from ksm_shard.membership.static import StaticMembership
from ksm_shard.metrics.allowlists import patterns_for, without_effect
from ksm_shard.metrics.families import Family, Resource
from ksm_shard.metrics.filters import Filters
from ksm_shard.settings.live import LiveSettings, Parse, PassingError, drain_of, level_of
from ksm_shard.settings.options import UsageError, options_of
from ksm_shard.settings.run import METRICS, OBJECTS, Settings
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.ranges import selector
from ksm_shard.sharding.rings import RINGS
from ksm_shard.version import version
from ksm_shard.web.server import MARGIN

if TYPE_CHECKING:
    from ksm_shard.collector.custom import CustomResources
    from ksm_shard.collector.declared import Declared
    from ksm_shard.custom.resolve import Followed

LOG: Final = logging.getLogger(__name__)


def start(settings: Settings, parse: Parse | None = None) -> Exporter:
    """Build and start the exporter that the settings ask for.

    To be called in the worker, after the fork.

    Args:
        settings: those of the start.
        parse: returns the settings with other contents of the file of --config; None where the file is not read again.

    Raises:
        ConfigurationError: no API server was found.
        InvalidFileError: the file of Custom Resource State cannot be used.
        BadConfig: the web configuration has become one that cannot be used.
    """
    declared = declared_of(settings)
    server = connect(settings.apiserver or None, settings.kubeconfig or None)
    needs, ring = needs_of(settings), RINGS[settings.sharding_mode]
    ownership = Ownership(ring)
    membership: Membership
    if settings.pod:
        pod, namespace = settings.pod, settings.pod_namespace
        membership = StatefulSetMembership(server, ownership, pod, namespace, needs, settings.port)
    else:
        membership = StaticMembership(ring, settings.shard, settings.total_shards)
        ownership.change(membership.state().held)
    recipes = Recipes(settings, ownership)
    live = LiveSettings(settings, parse) if settings.config and parse is not None else None
    allowance = Allowance()
    exporter = Exporter(
        lambda recipe: collector(recipe, ownership, server, allowance),
        terms_of(settings, recipes),
        ownership,
        membership,
        server,
        version=version(),
        custom=custom_of(declared, recipes, server) if declared is not None else None,
        live=live,
        timestamps=settings.handover_timestamps,
    )
    running = Running(settings, declared, needs, exporter, membership, ownership)
    exporter.start()
    if live is not None:
        live.start(running.apply)
    return exporter


class Running:
    """An exporter, with the settings that it obeys."""

    def __init__(
        self,
        settings: Settings,
        declared: "Declared | None",
        needs: Needs,
        exporter: Exporter,
        membership: Membership,
        ownership: Ownership,
    ) -> None:
        """Take the parts that were made for the settings, and tell what is surprising about these."""
        self._settings = settings
        self._declared = declared
        self._needs = needs
        self._exporter = exporter
        self._membership = membership
        self._ownership = ownership
        self._told: list[str] = []
        self._tell()

    def apply(self, settings: Settings) -> None:
        """Obey other settings; only collectors that differ are made anew.

        Raises:
            UsageError: what they say of custom resources cannot be used. Nothing has changed then.
        """
        before, self._declared = self._declared, self._declared_of(settings)
        self._settings = settings
        logging.getLogger().setLevel(level_of(settings))
        # The web configuration is not read again: what its file holds by now may not be right, and is not in force then.
        self._needs = replace(self._needs, handover=settings.handover_period, grace=grace_of(settings))
        self._membership.adjust(self._needs)
        recipes = Recipes(settings, self._ownership)
        self._exporter.obey(terms_of(settings, recipes))
        if self._declared is None or before is None:
            declared, server = self._declared, self._exporter.server
            self._exporter.bring(custom_of(declared, recipes, server) if declared is not None else None)
        else:
            self._exporter.redeclare(self._declared, recipes.custom)
        self._tell()

    def _declared_of(self, settings: Settings) -> "Declared | None":
        """Return the entries of the settings; those in force if they have the same source.

        Raises:
            UsageError: they cannot be used.
        """
        if self._declared is not None and self._declared.source == source_of(settings):
            return self._declared
        try:
            return declared_of(settings)
        except ConfigurationError as error:
            fault = UsageError if settings.custom_resource_state_config else PassingError
            raise fault(*str(error).splitlines()) from None

    def _tell(self) -> None:
        """Log what a user may not expect of the settings, unless that was said of the former ones."""
        settings, before = self._settings, self._told
        filters, resources = filters_of(settings), enabled(settings)
        self._told = surprises(settings, filters, resources, self._declared.families() if self._declared else [])
        for line in self._told:
            if line not in before:
                LOG.warning("%s", line)
        followed, idle = divided(resources, filters)
        if followed and idle:
            LOG.info("not followed, as no family of theirs is on: %s", ", ".join(resource.name for resource in idle))


class Recipes:
    """The recipes of all collectors that some settings ask for."""

    def __init__(self, settings: Settings, ownership: Ownership) -> None:
        """Take the settings, and the slots that a server-side filter selects."""
        self._settings = settings
        self._filters = filters_of(settings)
        self._scope = scope_of(settings, ownership)

    def builtin(self) -> list[Recipe]:
        """Return the recipes of the built-in resources with an enabled family."""
        found = (self._of(resource, resource) for resource in enabled(self._settings))
        return [recipe for recipe in found if recipe is not None]

    def custom(self, followed: "Followed") -> Recipe | None:
        """Return the recipe of a custom resource; None if none of its families is on."""
        from ksm_shard.custom.resolve import resource_of  # noqa: PLC0415  as in declared_of

        return self._of(resource_of(followed), followed)

    def _of(self, resource: Resource, declaration: object) -> Recipe | None:
        families = self._filters.on(resource.families)
        if not families:
            return None
        used = {family.allowlist for family in families}
        labels, annotations = self._settings.metric_labels_allowlist, self._settings.metric_annotations_allowlist
        return Recipe(
            resource,
            declaration,
            tuple(family.name for family in families),
            patterns_for(labels, resource.name) if "labels" in used else (),
            patterns_for(annotations, resource.name) if "annotations" in used else (),
            self._scope.of(resource),
        )


def terms_of(settings: Settings, recipes: Recipes) -> Terms:
    """Return what the settings ask of the exporter."""
    return Terms(
        recipes.builtin(),
        digest(settings),
        chosen(settings),
        settings.object_limit,
        settings.handover_period,
        drain_of(settings),
    )


def filters_of(settings: Settings) -> Filters:
    """Return the filters of families."""
    return Filters(settings.metric_allowlist, settings.metric_denylist, settings.metric_opt_in_list)


def source_of(settings: Settings) -> tuple[str, str]:
    """Return path and text of Custom Resource State; the text wins."""
    return settings.custom_resource_state_config_file, settings.custom_resource_state_config


def declared_of(settings: Settings) -> "Declared | None":
    """Return the entries of Custom Resource State that the settings name; None if they name none.

    Raises:
        InvalidFileError: the file cannot be used.
    """
    path, text = source_of(settings)
    if not (path or text):
        return None
    from ksm_shard.collector.declared import Declared  # noqa: PLC0415  all of custom resources takes 25 ms and 3 MB

    return Declared(path, text, may_be_missing=settings.continue_without_custom_resource_state_config_file)


def custom_of(declared: "Declared", recipes: Recipes, server: ApiServer) -> "CustomResources":
    """Make the source of custom resources."""
    from ksm_shard.cluster.served import served  # noqa: PLC0415  as in declared_of
    from ksm_shard.collector.custom import CustomResources  # noqa: PLC0415
    from ksm_shard.collector.definitions import TARGET, Definitions  # noqa: PLC0415

    return CustomResources(declared, partial(served, server), recipes.custom, Definitions(Reader(server, TARGET)))


def reviews(exporter: Exporter) -> AccessReviews:
    """Return who tells what bearer tokens may see: the API server that the exporter follows."""
    return AccessReviews(exporter.server)


def needs_of(settings: Settings) -> Needs:
    """Return what the settings ask of the own pod.

    Raises:
        BadConfig: the web configuration is not right.
    """
    needs = Needs(settings.handover_period, grace_of(settings), (settings.port, settings.telemetry_port))
    if not settings.tls_config:
        return needs
    from ksm_shard.web.webfile import config_of  # noqa: PLC0415  only where there is TLS

    web = config_of(settings.tls_config)
    return replace(
        needs,
        tls=web.tls.enabled,
        password=bool(web.users),
        certificate=web.tls.requires_certificate,
    )


def grace_of(settings: Settings) -> float:
    """Return the seconds from SIGTERM to the last answer."""
    return settings.drain_period + MARGIN


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


def chosen(settings: Settings) -> dict[str, Any]:
    """Return the options that decide which series there are, by flag, where they are not the default."""
    given = {one.flag: getattr(settings, one.name) for one in options_of(Settings) if one.section in {OBJECTS, METRICS}}
    return {flag: value for flag, value in given.items() if value}


def collector(recipe: Recipe, ownership: Ownership, server: ApiServer, allowance: Allowance) -> Collector:
    """Make a collector with its informers, one for each target in the scope."""
    resource, on = recipe.resource, frozenset(recipe.families)
    made = Collector(
        resource,
        [family for family in resource.families if family.name in on],
        ownership,
        time.monotonic,
        labels_allowlist=recipe.labels_allowlist,
        annotations_allowlist=recipe.annotations_allowlist,
        allowance=allowance,
    )
    for target in targets(resource, recipe.scope):
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

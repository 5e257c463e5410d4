"""State of the resources, for the status page, telemetry and report."""

import resource
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from ksm_shard.collector.collector import Collector
from ksm_shard.status.model import ResourceStatus
from ksm_shard.status.report import ResourceReport
from ksm_shard.status.setup import Setup, SetupCheck
from ksm_shard.wire.reading import Reading

# Resources that a line names.
NAMED: Final = 5
READING: Final = {Reading.FULL: "protobuf", Reading.JSON: "JSON", Reading.METADATA: "metadata", Reading.TABLE: "table"}


def status_of(collectors: Collection[Collector]) -> list[ResourceStatus]:
    """Return the status of each resource."""
    anywhere = _filtered(collectors)
    return [_status(one, anywhere) for one in collectors]


def reported(collectors: Collection[Collector], reloading: Collection[str]) -> dict[str, ResourceReport]:
    """Return the report of each resource, by plural, for `check` and `plan`.

    `reloading` has the names of those that are loaded with other settings.
    """
    anywhere = _filtered(collectors)
    return {one.resource.name: _report(one, anywhere, reloading=one.resource.name in reloading) for one in collectors}


def _report(collector: Collector, anywhere: bool, *, reloading: bool) -> ResourceReport:
    status = _status(collector, anywhere)
    return ResourceReport(
        seen=status.seen,
        owned=status.owned,
        synced=status.synced,
        state=collector.stats.state,
        series=collector.store.series(),
        deflated=status.deflated,
        text=status.text,
        filtered=status.filtered,
        reloading=reloading,
    )


def _filtered(collectors: Iterable[Collector]) -> bool:
    """Return whether the API server says of any list that it was filtered."""
    return any(informer.reflector.filtered_by for one in collectors for informer in one.informers)


def _status(collector: Collector, anywhere: bool) -> ResourceStatus:
    size = collector.store.size()
    kind, sinks = collector.resource, [informer.sink for informer in collector.informers]
    reflectors = [informer.reflector for informer in collector.informers]
    # The least healthy reflector speaks for all namespaces.
    speaker = max(reflectors, key=lambda reflector: reflector.state.trouble, default=None)
    # Tables and metadata do not say whether the API server filters: they are filtered if any list is.
    filtered = _filtered([collector]) if kind.reading in {Reading.FULL, Reading.JSON} else anywhere
    return ResourceStatus(
        name=kind.name,
        type=f"*{kind.api_version.rpartition('/')[2]}.{kind.kind}",
        reading=READING[kind.reading],
        synced=all(informer.listed for informer in collector.informers),
        seen=sum(sink.seen.mine() if filtered else sink.seen.all for sink in sinks),
        owned=collector.objects,
        listed=sum(sink.seen.listed for sink in sinks),
        resource_version=reflectors[0].resource_version if len(reflectors) == 1 else "",
        filtered=filtered,
        families=len(collector.families),
        deflated=size.deflated,
        text=size.text,
        stats=collector.stats,
        last_error=speaker.last_error if speaker is not None else "",
        repeated={collector.families[index].name: count for index, count in collector.repeated.items() if count},
        tallies=collector.tallies(),
    )


def rights_problems(collectors: Iterable[Collector]) -> Setup:
    """Return the line about resources that could be read and may not be any more."""
    lost = sorted(one.resource.name for one in collectors if one.lost)
    if not lost:
        return {}
    more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    line = (
        f"{', '.join(lost[:NAMED])}{more} could be read, and are forbidden now: what is exported of them is as old as that; is the "
        "ClusterRoleBinding still of this ServiceAccount? Restart the shards if the right was taken on purpose"
    )
    return {SetupCheck.RIGHTS: line}


def resident() -> int:
    """Return the process's resident memory in bytes; 0 if unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()

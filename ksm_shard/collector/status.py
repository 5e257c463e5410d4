"""How a resource stands: what the status page, the telemetry and the report of a shard tell of it."""

import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ksm_shard.collector.collector import Collector
from ksm_shard.collector.informer import Informer
from ksm_shard.status.model import ResourceStatus
from ksm_shard.status.report import ResourceReport
from ksm_shard.store.store import Size
from ksm_shard.wire.reading import Reading

# The higher, the sooner somebody should look; a state that is not here counts 1.
TROUBLED: Final = {"watching": 0, "waiting": 2, "absent": 3, "unsupported": 4, "forbidden": 5, "unauthorized": 6}
READING: Final = {Reading.FULL: "protobuf", Reading.METADATA: "metadata", Reading.TABLE: "table"}


def status_of(exported: Collector, followed: Sequence[Informer]) -> ResourceStatus:
    """Return how a resource stands; `followed` are the reflectors of all resources."""
    return _status(exported, followed, exported.store.size())


def reported(exported: Collector, followed: Sequence[Informer]) -> ResourceReport:
    """Return the same as `check` and `plan` ask for it."""
    size = exported.store.size()
    status = _status(exported, followed, size)
    return ResourceReport(
        seen=status.seen,
        owned=status.owned,
        synced=status.synced,
        state=exported.stats.state,
        series=size.series,
        deflated=status.deflated,
        text=status.text,
        filtered=status.filtered,
    )


def _status(exported: Collector, followed: Sequence[Informer], size: Size) -> ResourceStatus:
    kind = exported.resource
    mine = [one for one in followed if one.exported is exported]
    reflectors = [one.reflector for one in mine]
    # The least healthy reflector speaks for all namespaces.
    speaker = max(reflectors, key=lambda reflector: TROUBLED.get(reflector.state, 1), default=None)
    # Tables and metadata do not say whether the API server filters: it filters them if it does anything.
    filtered = any(one.reflector.filtered_by for one in (mine if kind.reading is Reading.FULL else followed))
    return ResourceStatus(
        name=kind.plural,
        type=f"*{kind.api_version.rpartition('/')[2]}.{kind.kind}",
        reading=READING[kind.reading],
        synced=all(one.sink.listed_version > 0 for one in mine),
        seen=sum(one.sink.seen.mine() if filtered else one.sink.seen.all for one in mine),
        owned=len(exported.store),
        listed=sum(one.sink.seen.listed for one in mine),
        resource_version=reflectors[0].resource_version if len(reflectors) == 1 else "",
        filtered=filtered,
        families=len(exported.families),
        deflated=size.deflated,
        text=size.text,
        stats=exported.stats,
        last_error=speaker.last_error if speaker is not None else "",
    )


def resident() -> int:
    """Return the resident memory of this process in bytes; 0 where the kernel does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()

"""How a resource stands: what the status page, the telemetry and the report of a shard tell of it."""

import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ksm_shard.exported import Exported
from ksm_shard.followed import Followed
from ksm_shard.metrics.families import Reading
from ksm_shard.report import Resource as ReportedResource
from ksm_shard.store.store import Size
from ksm_shard.web.source import ResourceStatus

# The higher, the sooner somebody should look; a state that is not here counts 1.
TROUBLED: Final = {"watching": 0, "waiting": 2, "absent": 3, "unsupported": 4, "forbidden": 5, "unauthorized": 6}
READING: Final = {Reading.FULL: "protobuf", Reading.METADATA: "metadata", Reading.TABLE: "table"}


def status_of(exported: Exported, followed: Sequence[Followed]) -> ResourceStatus:
    """Return how a resource stands; `followed` are the followers of all resources."""
    return _status(exported, followed, exported.store.size())


def reported(exported: Exported, followed: Sequence[Followed]) -> ReportedResource:
    """Return the same as `check` and `plan` ask for it."""
    size = exported.store.size()
    status = _status(exported, followed, size)
    return ReportedResource(
        seen=status.seen,
        owned=status.owned,
        synced=status.synced,
        state=exported.tally.state,
        series=size.series,
        deflated=status.deflated,
        text=status.text,
        filtered=status.filtered,
    )


def _status(exported: Exported, followed: Sequence[Followed], size: Size) -> ResourceStatus:
    kind = exported.resource
    mine = [one for one in followed if one.exported is exported]
    followers = [one.follower for one in mine]
    # The least healthy follower speaks for all namespaces.
    speaker = max(followers, key=lambda follower: TROUBLED.get(follower.state, 1), default=None)
    # Tables and metadata do not say whether the API server filters: it filters them if it does anything.
    filtered = any(one.follower.filtered_by for one in (mine if kind.reading is Reading.FULL else followed))
    return ResourceStatus(
        name=kind.plural,
        type=f"*{kind.api_version.rpartition('/')[2]}.{kind.kind}",
        reading=READING[kind.reading],
        synced=all(one.intake.listed_version > 0 for one in mine),
        seen=sum(one.intake.seen.mine() if filtered else one.intake.seen.all for one in mine),
        owned=len(exported.store),
        listed=sum(one.intake.seen.listed for one in mine),
        resource_version=followers[0].resource_version if len(followers) == 1 else "",
        filtered=filtered,
        families=len(exported.families),
        deflated=size.deflated,
        text=size.text,
        tally=exported.tally,
        last_error=speaker.last_error if speaker is not None else "",
    )


def resident() -> int:
    """Return the resident memory of this process in bytes; 0 where the kernel does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()

"""Reports that are not those of one whole fleet."""

from collections import Counter
from collections.abc import Sequence

from ksm_shard.status.report import Report


def strays(reports: Sequence[Report], total: int, flag: str = "--url") -> list[str]:
    """Return the reasons why the reports are not those of one whole fleet.

    `total` is the expected number of shards, 0 for any, and `flag` names the shards. A part of a fleet would give totals that are
    too low.
    """
    if not reports:
        return []
    rings = {report.ring for report in reports}
    totals = {report.total for report in reports}
    if len(rings) > 1 or len(totals) > 1:
        return [f"{flag}: these shards are not of one fleet: {sorted(rings)}, of {sorted(totals)} shards"]
    (there,) = totals
    if total and total != there:
        return [f"--from={total}: the shards that {flag} names are of {there}"]
    counts = Counter(report.shard for report in reports)
    missing = [str(shard) for shard in range(there) if shard not in counts]
    twice = [str(shard) for shard, count in counts.items() if count > 1]
    return [
        *([f"{flag}: give it once for each of the {there} shards; missing: {', '.join(missing)}"] if missing else []),
        *([f"{flag}: given more than once for shard {', '.join(twice)}"] if twice else []),
    ]

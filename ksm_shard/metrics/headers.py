"""The HELP and TYPE lines of a family, in the text format and in OpenMetrics."""

from ksm_shard.metrics.families import Family


def header(family: Family, *, openmetrics: bool = False) -> str:
    """Return both lines; OpenMetrics names a counter without its `_total` (OpenMetrics 1.0, "Counter")."""
    name = family.name
    if openmetrics and family.type == "counter":
        name = name.removesuffix("_total")
    since = f" (Deprecated since {family.deprecated_since})" if family.deprecated_since else ""
    return f"# HELP {name} [{family.stability}]{since} {family.help}\n# TYPE {name} {family.type}\n"

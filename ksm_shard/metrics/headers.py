"""The HELP and TYPE lines of a family, in the text format and in OpenMetrics."""

from ksm_shard.metrics.families import Family


def header(family: Family, *, openmetrics: bool = False) -> str:
    """Return both lines; OpenMetrics names a counter without its `_total` (OpenMetrics 1.0, "Counter")."""
    name = family.name
    if openmetrics and family.type == "counter":
        name = name.removesuffix("_total")
    stability = f"[{family.stability}]" if family.stability else ""
    since = f" (Deprecated since {family.deprecated_since})" if family.deprecated_since else ""
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    if openmetrics:
        text = text.replace('"', r"\"")
    return f"# HELP {name} {stability}{since}{' ' if stability else ''}{text}\n# TYPE {name} {family.type}\n"

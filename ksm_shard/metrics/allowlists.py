"""The `--metric-labels-allowlist` and `--metric-annotations-allowlist`, resource by resource."""

from collections.abc import Iterator, Mapping, Sequence

from ksm_shard.metrics.families import Family, Resource


def patterns_for(allowlist: Mapping[str, Sequence[str]], resource: str) -> tuple[str, ...]:
    """Return the key patterns for a resource.

    An entry for `*` replaces the entries of all resources.
    """
    return tuple(allowlist.get("*", allowlist.get(resource, ())))


def without_effect(
    allowlist: Mapping[str, Sequence[str]], what: str, resources: Sequence[Resource], on: Sequence[Family]
) -> Iterator[str]:
    """Yield a warning for each entry of an allowlist that has no effect.

    Args:
        allowlist: key patterns by resource; `*` stands for every resource.
        what: "labels" or "annotations".
        resources: the enabled resources.
        on: the families of enabled resources that are on.
    """
    for name, patterns in allowlist.items():
        if "*" in patterns[1:] and patterns[0] != "*":
            yield f"the * of {name} is ignored, because it is not the first key"
    enabled = {resource.plural: resource for resource in resources}
    if "*" in allowlist:
        yield from (f"{name}=[...] has no effect beside *=[...]" for name in allowlist if name != "*")
        if not any(family.allowlist == what for family in on):
            yield f"*=[...] has no effect, as no family of {what} is on"
        return
    for name in allowlist:
        if name not in enabled:
            yield f"{name} is not among the enabled resources"
            continue
        showing = [family for family in enabled[name].families if family.allowlist == what]
        if not showing:
            yield f"{name} has no family of {what}"
        elif not any(family in on for family in showing):
            yield f"{name}=[...] has no effect, as {showing[0].name} is off"

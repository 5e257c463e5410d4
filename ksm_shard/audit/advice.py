"""Flags that leave out what no rule or dashboard uses."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from ksm_shard.audit.catalogue import families
from ksm_shard.audit.expressions import Expression
from ksm_shard.metrics.labels import label_name
from ksm_shard.settings.values import KeysByResource
from ksm_shard.status.report import Report


def flags(
    exported: Collection[str], users: Mapping[str, Sequence[Expression]], reports: Sequence[Report] = ()
) -> list[str]:
    """Return the flags, ready for a shell.

    Args:
        exported: names of all families of the exporter.
        users: the expressions that use each family.
        reports: of the exporter's shards, if they are ksm-shard: they tell the allowlists in force.
    """
    resources: dict[str, list[str]] = defaultdict(list)
    for name in exported:
        if known := families().get(name):
            resources[known[0].name].append(name)
    used = sorted(resource for resource, names in resources.items() if any(name in users for name in names))
    found = []
    if used and len(used) < len(resources):
        found.append(f"--resources={','.join(used)}")
    denied = [name for resource in used for name in resources[resource] if name not in users]
    denied += [name for name in exported if name not in families() and name not in users]
    if denied:
        found.append(f"--metric-denylist='{','.join(patterns(denied))}'")
    return found + [one for kind in ("labels", "annotations") for one in _allowlist(kind, users, reports)]


def patterns(names: Collection[str]) -> list[str]:
    """Return patterns that match these names and no others: one for each beginning, such as `^kube_pod_(created|owner)$`."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        groups["_".join(name.split("_")[:2])].append(name)
    return [_pattern(beginning, group) for beginning, group in groups.items()]


def _pattern(beginning: str, names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"^{names[0]}$"
    if all(name.startswith(f"{beginning}_") for name in names):
        beginning += "_"
    return f"^{beginning}({'|'.join(name.removeprefix(beginning) for name in names)})$"


def _allowlist(kind: str, users: Mapping[str, Sequence[Expression]], reports: Sequence[Report]) -> list[str]:
    """Return the flag with the keys that are in use, if that are fewer than are allowed now.

    Label names cannot be turned back into keys, so only keys that are allowed one by one are judged.
    """
    flag = f"metric-{kind}-allowlist"
    given = reports[0].filters.get(flag, {}) if reports else {}
    left = {}
    for resource, keys in given.items():
        names = [name for name, (of, family) in families().items() if family.allowlist == kind and of.name == resource]
        read = {label for name in names for one in users.get(name, ()) for label in one.labels_of(name)}
        left[resource] = [key for key in keys if "*" in key or label_name(kind.removesuffix("s"), key) in read]
    if all(len(left[resource]) == len(keys) for resource, keys in given.items()):
        return []
    return [f"--{flag}='{KeysByResource().show({resource: tuple(keys) for resource, keys in left.items() if keys})}'"]

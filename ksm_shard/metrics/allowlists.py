"""Which keys of labels and annotations are shown for a resource."""

from collections.abc import Collection, Mapping, Sequence


def patterns_for(allowlist: Mapping[str, Sequence[str]], resource: str) -> tuple[str, ...]:
    """Return the patterns of a resource: those of `*` if it is named, which stands for every resource, else its own."""
    return tuple(allowlist.get("*", allowlist.get(resource, ())))


def unknown(allowlist: Mapping[str, Sequence[str]], resources: Collection[str]) -> list[str]:
    """Return the names in an allowlist that are no enabled resource."""
    return [name for name in allowlist if name != "*" and name not in resources]

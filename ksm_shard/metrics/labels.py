"""Kubernetes keys as label names, and which keys an allowlist lets through."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

Pairs = list[tuple[str, str]]

INVALID = re.compile(r"[^a-zA-Z0-9_]")
CAMEL = re.compile(r"([a-z0-9])([A-Z])")


@lru_cache(maxsize=65536)
def label_name(prefix: str, key: str) -> str:
    """Make a label name of a Kubernetes key: `label`, `app.kubernetes.io/camelCase` -> `label_app_kubernetes_io_camel_case`.

    Cached, because a cluster has few keys and every object repeats them.
    """
    snake = CAMEL.sub(r"\1_\2", INVALID.sub("_", key)).lower()
    return f"{prefix}_{snake}"


def labels_of(prefix: str, pairs: Iterable[tuple[str, str]]) -> Pairs:
    """Return the label names and values of Kubernetes keys and values, sorted by key.

    Keys that make the same label name all get a suffix, in order: `label_a_b_conflict1`, `label_a_b_conflict2`.
    """
    named = [(label_name(prefix, key), value) for key, value in sorted(pairs)]
    if len({name for name, _ in named}) == len(named):
        return named
    names = [name for name, _ in named]
    seen: dict[str, int] = {}
    suffixed = []
    for name, value in named:
        if names.count(name) == 1:
            suffixed.append((name, value))
            continue
        seen[name] = seen.get(name, 0) + 1
        suffixed.append((f"{name}_conflict{seen[name]}", value))
    return suffixed


def picker(patterns: Sequence[str]) -> Callable[[Mapping[str, str]], Iterable[tuple[str, str]]]:
    """Return the function that picks the allowed keys of an object's labels or annotations.

    A pattern is a key, or has one `*` that stands for any text; `*` alone lets everything through.
    """
    if "*" in patterns:
        return lambda mapping: mapping.items()
    exact = frozenset(pattern for pattern in patterns if "*" not in pattern)
    wild = [tuple(pattern.split("*", 1)) for pattern in patterns if "*" in pattern]
    if not wild:
        return lambda mapping: [(key, mapping[key]) for key in exact if key in mapping]

    @lru_cache(maxsize=65536)
    def allowed(key: str) -> bool:
        return key in exact or any(
            len(key) >= len(head) + len(tail) and key.startswith(head) and key.endswith(tail) for head, tail in wild
        )

    return lambda mapping: [(key, value) for key, value in mapping.items() if allowed(key)]

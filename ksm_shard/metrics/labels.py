"""Kubernetes keys: their conversion to label names, and their selection by an allowlist."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count

Pairs = list[tuple[str, str]]

INVALID = re.compile(r"[^a-zA-Z0-9_]")
CAMEL = re.compile(r"([a-z0-9])([A-Z])")


@lru_cache(maxsize=65536)
def label_name(prefix: str, key: str) -> str:
    """Convert a Kubernetes key to a label name: `app.kubernetes.io/camelCase` -> `label_app_kubernetes_io_camel_case`.

    Cached, because a cluster has few keys and every object repeats them.
    """
    snake = CAMEL.sub(r"\1_\2", INVALID.sub("_", key)).lower()
    return f"{prefix}_{snake}"


def labels_of(prefix: str, pairs: Iterable[tuple[str, str]]) -> Pairs:
    """Convert Kubernetes keys and values to label names and values, sorted by key.

    No label name appears twice: all keys that convert to the same name get a suffix, in order: `label_a_b_conflict1`,
    `label_a_b_conflict2`.
    """
    named = [(label_name(prefix, key), value) for key, value in sorted(pairs)]
    names = [name for name, _ in named]
    if len(set(names)) == len(names):
        return named
    return list(zip(_told_apart(names), (value for _, value in named), strict=True))


def _told_apart(names: Sequence[str]) -> list[str]:
    """Add suffixes to names that collide; skip suffixed names that are taken.

    A key may itself be called `a_b_conflict1`, and Prometheus rejects the whole scrape if a sample has a label name twice.
    """
    taken: dict[str, int] = {}
    suffixed: dict[str, Iterator[str]] = {}

    def free(name: str) -> Iterator[str]:
        return (other for number in count(1) if (other := f"{name}_conflict{number}") not in taken)

    for at, name in enumerate(names):
        if name in taken and name not in suffixed:
            suffixed[name] = free(name)
            taken[next(suffixed[name])] = taken.pop(name)
        taken[next(suffixed[name]) if name in suffixed else name] = at
    return sorted(taken, key=taken.__getitem__)


def picker(patterns: Sequence[str]) -> Callable[[Mapping[str, str]], Iterable[tuple[str, str]]]:
    """Return a function that selects the allowed keys of an object's labels or annotations.

    A pattern is a key, or a key with one `*` that stands for any text. The pattern `*` allows every key if it comes first and is
    ignored otherwise, as in kube-state-metrics, so that `[app,*]`, brought along from there, does not suddenly show every key.
    """
    if patterns and patterns[0] == "*":
        return lambda mapping: mapping.items()
    exact = frozenset(pattern for pattern in patterns if "*" not in pattern)
    wild = [tuple(pattern.split("*", 1)) for pattern in patterns if "*" in pattern and pattern != "*"]
    if not wild:
        return lambda mapping: [(key, mapping[key]) for key in exact if key in mapping]

    @lru_cache(maxsize=65536)
    def allowed(key: str) -> bool:
        return key in exact or any(
            len(key) >= len(head) + len(tail) and key.startswith(head) and key.endswith(tail) for head, tail in wild
        )

    return lambda mapping: [(key, value) for key, value in mapping.items() if allowed(key)]

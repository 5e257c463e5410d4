"""One short module per resource, named by its API plural, holding a `Resource` of that name. A new module is a new kind."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from ksm_shard.metrics.families import Resource


@cache
def resources() -> dict[str, Resource]:
    """Return every resource by its plural, in alphabetical order."""
    return {name: getattr(import_module(f"{__name__}.{name}"), name) for name in names()}


def names() -> tuple[str, ...]:
    """Return the plurals of all resources, in alphabetical order; no kind is imported for it."""
    return tuple(sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")))

"""The exported resources, one module each, named by the plural in the API.

A new module is a new kind. Each module holds a `Resource` of its own name.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from ksm_shard.metrics.families import Resource


@cache
def resources() -> dict[str, Resource]:
    """Return all resources by plural, in alphabetical order."""
    return {name: getattr(import_module(f"{__name__}.{name}"), name) for name in names()}


def names() -> tuple[str, ...]:
    """Return the plurals of all resources, in alphabetical order, without importing the modules."""
    return tuple(sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")))

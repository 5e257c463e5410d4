"""The exported resources, one module each, named by the plural in the API.

A new module is a new kind. Each module holds a `Resource` of its own name.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # names() is all that options need, and the parent process need not hold protobuf
    from ksm_shard.metrics.families import Resource


@cache
def resource(name: str) -> "Resource":
    """Return the resource of a plural that is in `names`."""
    found: Resource = getattr(import_module(f"{__name__}.{name}"), name)
    return found


@cache
def resources() -> dict[str, "Resource"]:
    """Return all resources by plural, in alphabetical order."""
    return {name: resource(name) for name in names()}


@cache
def names() -> tuple[str, ...]:
    """Return the plurals of all resources, in alphabetical order, without importing the modules."""
    return tuple(sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")))

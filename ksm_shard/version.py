"""Version of the package."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of


def version() -> str:
    """Return the version of the installed package, or `unknown` in a tree that is not installed."""
    try:
        return version_of("ksm-shard")
    except PackageNotFoundError:
        return "unknown"

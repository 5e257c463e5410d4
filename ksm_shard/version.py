"""Version of the package."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of


def version() -> str:
    """Return the installed package's version, or `unknown` if not installed."""
    try:
        return version_of("ksm-shard")
    except PackageNotFoundError:
        return "unknown"

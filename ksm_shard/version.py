"""Version of the package."""


def version() -> str:
    """Return the installed package's version, or `unknown` if not installed."""
    # In here, as it takes 16 ms and 3 MB, which the parent process does without.
    from importlib.metadata import PackageNotFoundError  # noqa: PLC0415
    from importlib.metadata import version as version_of  # noqa: PLC0415

    try:
        return version_of("ksm-shard")
    except PackageNotFoundError:
        return "unknown"

"""These tests start fleets of processes and measure what is missing when: one at a time, whatever else runs beside them."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put all of this folder into one group, which `pytest -n auto --dist loadgroup` runs in one worker."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("e2e"))

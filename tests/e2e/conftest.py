"""Most of these tests start fleets of processes and measure what is missing when: one at a time, whatever else runs beside them."""

from pathlib import Path

import pytest

# These measure nothing: they may run beside fleets. In one chain with all others they made it the longest part of `make test`.
UNMEASURED = {
    "test_absent", "test_fleet_commands", "test_odd_answers", "test_owner", "test_process", "test_reload", "test_rights",
    "test_secrets", "test_selfcheck",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the others of this folder into one group, which `pytest -n auto --dist loadgroup` runs in one worker."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.path.stem not in UNMEASURED:
            item.add_marker(pytest.mark.xdist_group("e2e"))

"""The conformance tests run where the data of the reference lie beside the project, against the simulator and a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.reference import CONFORMANCE, real, simulated


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, and skip it where the data are not."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.conformance)
            if not CONFORMANCE.is_dir():
                item.add_marker(pytest.mark.skip(reason="no conformance data beside the project"))


@pytest.fixture(scope="module")
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, list[str]]]:
    """The server that the parameter names, with the objects of a case: its kind, the case, and the flags that lead to it."""
    kind, case = request.param.split("-")
    folder = tmp_path_factory.mktemp("realapi")
    with simulated(case) if kind == "simulator" else real(case, folder) as flags:
        yield kind, case, flags

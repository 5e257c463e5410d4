"""The examples of the documentation: each is a file without a problem, and gives the samples that its golden has.

GOLDEN=1 writes the goldens anew; read the difference like code.
"""

import os
from pathlib import Path

import pytest
import yaml

from ksm_shard.custom import checks
from ksm_shard.custom.file import read
from ksm_shard.custom.resolve import Served
from tests.custom.rendering import Rendered

FILES = sorted((Path(__file__).parents[2] / "docs" / "custom-resources").glob("*.yaml"))
HERE = Path(__file__).parent / "examples"
WITHOUT_NAMESPACE = {"NodePool"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_example(path: Path) -> None:
    """An example says what it seems to say."""
    entries, problems = read(path.read_bytes())
    objects = list(yaml.safe_load_all((HERE / path.name).read_text()))
    served = [
        Served(entry.group, entry.version, entry.kind, "x", entry.kind not in WITHOUT_NAMESPACE) for entry in entries
    ]
    rendered = Rendered(entries, served, objects)
    golden = HERE / f"{path.stem}.prom"
    if os.environ.get("GOLDEN"):
        golden.write_text(rendered.text())

    assert [] == [*problems, *checks.of_file(entries)]
    assert [] == rendered.failures
    assert not any(family.repeats for family in rendered.families.values())
    assert golden.read_text() == rendered.text()


def test_all_are_named() -> None:
    """The page names each example."""
    page = (FILES[0].parents[1] / "custom-resources.md").read_text()

    assert [] == [path.name for path in FILES if f"(custom-resources/{path.name})" not in page]

"""Writes the files of deploy/chart that the package and deploy/monitoring know first: `python -m tools.chart`."""

from pathlib import Path
from typing import Final

import yaml

from ksm_shard.kinds import resources
from ksm_shard.settings.foreign import FORMER, IGNORED_FLAGS
from ksm_shard.settings.options import options_of
from ksm_shard.settings.run import Settings
from ksm_shard.settings.values import Boolean

DEPLOY: Final = Path(__file__).parents[1] / "deploy"
FILES: Final = DEPLOY / "chart/ksm-shard/files"
COPIED: Final = ("ksm-shard.rules.yaml", "dashboard.json")

HEAD: Final = """\
# Generated from ksm_shard/settings/ and ksm_shard/kinds/, edit those instead: tox -e generate
# Flags, and whether they take a value; present names of former ones; resources with their API group.
"""


def exporter() -> str:
    """Return what templates have to know of the exporter, as YAML."""
    flags = {option.flag: not isinstance(option.kind, Boolean) for option in (*options_of(Settings), *IGNORED_FLAGS)}
    known = {
        name: {"group": one.group, "namespaced": one.namespaced, "default": one.default}
        for name, one in resources().items()
    }
    return HEAD + yaml.safe_dump(
        {"flags": flags, "former": FORMER, "resources": known}, default_flow_style=None, width=120
    )


def files() -> dict[str, str]:
    """Return the texts of all generated files of the chart, by name."""
    copied = {name: (DEPLOY / "monitoring" / name).read_text() for name in COPIED}
    return {"exporter.yaml": exporter(), **copied}


if __name__ == "__main__":
    for name, text in files().items():
        (FILES / name).write_text(text)

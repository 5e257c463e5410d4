"""README.md, docs/ and deploy/ name only what there is: files, tests, options, metrics of the exporter, rooms, sections of pages.

Not in scope: whether what they say of it is true.
"""

import ast
import re
from configparser import ConfigParser
from pathlib import Path

import pytest

from ksm_shard.settings.commands import COMMANDS
from ksm_shard.settings.foreign import FORMER, IGNORED_FLAGS
from ksm_shard.settings.options import options_of
from ksm_shard.web.telemetry import Telemetry
from ksm_shard.web.webfile import WebFile
from tests.web.serve_fake import FakeSource

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))
DEPLOY = sorted(path for path in (ROOT / "deploy").rglob("*") if path.is_file())
# Flags of other programs that a page shows.
ELSEWHERE = {"--cascade", "--flag", "--help", "--tree", "--version", *(f"--{flag}" for flag in FORMER)}

# Where a path in a page may begin.
ROOTS = ("", "docs", "ksm_shard", "ksm_shard/kinds", "deploy/statefulset", "deploy/monitoring", "tests/kinds")

# Of the rooms in the picture; what it says of them stands behind.
WIDTH = 40


def exposed(folder: Path) -> set[str]:
    """Return the names of all series that the telemetry port may have; a web configuration adds some."""
    web = folder / "web.yml"
    web.write_text("http_server_config: {http2: false}\n")
    text = Telemetry(FakeSource(0, synced=True), WebFile(str(web))).expose(openmetrics=False).decode()
    families = re.findall(r"(?m)^# TYPE (\S+) (\S+)$", text)
    parts = [f"{name}_{part}" for name, kind in families if kind == "histogram" for part in ("bucket", "count", "sum")]
    return {*(name for name, _ in families), *parts}


def code(page: Path) -> list[str]:
    """Return what stands between backticks on a line."""
    return re.findall(r"`([^`\n]+)`", page.read_text())


@pytest.mark.parametrize("path", [*PAGES, *DEPLOY], ids=lambda path: str(path.relative_to(ROOT)))
def test_metrics_are_exposed(path: Path, tmp_path: Path) -> None:
    """An alert, a panel or a sentence about a metric that the exporter does not have would say nothing for ever."""
    named = set(re.findall(r"\b(?:ksm_shard|kube_state_metrics)_\w+", path.read_text()))

    assert set() == named - exposed(tmp_path), "not in ksm_shard/web/telemetry.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_options_exist(page: Path) -> None:
    """A flag in a page is one of ours, or one of kube-state-metrics that docs/options.md tells about."""
    declared = [option for command in COMMANDS if command.options for option in options_of(command.options)]
    known = {f"--{option.flag}" for option in (*declared, *IGNORED_FLAGS)} | ELSEWHERE

    assert [] == [text for text in code(page) if text.startswith("--") and re.split("[ =:]", text)[0] not in known]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_exist(page: Path) -> None:
    """A path begins at the root of the repository, or in a folder that the page is about."""
    paths = [
        text for text in code(page) if re.fullmatch(r"[\w./-]+\.(py|md|yaml|json|jsonl|prom|cfg|toml)|[\w/-]+/", text)
    ]

    assert [] == [path for path in paths if not any((ROOT / root / path).exists() for root in ROOTS)]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """A link within the repository names a file, and a heading in it."""
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if "://" not in target:
            name, _, anchor = target.partition("#")
            file = page.parent / name if name else page
            assert file.exists(), target
            headings = re.findall(r"(?m)^#+ (.+)$", file.read_text())
            slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert not anchor or anchor in slugs, target


def test_tests_exist() -> None:
    """A test that a page points to is there."""
    found = {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    files = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    named = {name for page in PAGES for name in re.findall(r"\btest_\w+", page.read_text())}

    assert set() == named - found - files


def test_the_house_has_all_rooms() -> None:
    """The picture in docs/architecture.md has the floors of lint-imports, whose list has every room."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    layers = config["importlinter:contract:layers"]["layers"].split("\n")
    floors = [set(re.findall(r"\w+", layer)) - {"__main__"} for layer in layers]
    house = (ROOT / "docs/architecture.md").read_text().partition("## The house")[2].partition("## ")[0]
    lines = re.findall(r"(?m)^    (\S.*)$", house)
    drawn = [{word.strip("/") for word in re.split(r" +", line[:WIDTH]) if word} for line in lines]

    assert [floor for floor in floors if floor] == drawn

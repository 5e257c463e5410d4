"""Writes docs/options.md from the declarations of options: `python -m tools.options_page`."""

from itertools import groupby
from pathlib import Path
from typing import Any, Final

from ksm_shard.settings.commands import COMMANDS
from ksm_shard.settings.foreign import IGNORED_FLAGS
from ksm_shard.settings.options import Option, options_of
from ksm_shard.settings.run import Settings
from ksm_shard.settings.values import Boolean

PAGE: Final = Path(__file__).parents[1] / "docs/options.md"

INTRODUCTION: Final = """\
<!-- Generated from ksm_shard/settings/ and ksm_shard/kinds/, edit those instead: tox -e generate -->

# Options

An option is set by a flag, by an environment variable, or by a key in the YAML file that `--config` names. The file
overrides flags, and flags override variables. `ksm-shard config validate` takes the flags of `run` and
checks all three; `ksm-shard rbac` prints the ClusterRole that they need.

- Flags take one dash or two, and their value after a space or `=`. Boolean flags need no value, or one as in `--flag=false`.
- Flags with comma-separated lists may be repeated and add up. In the file they are lists (or maps, whose keys count).
- Durations are written as in Go: `30s`, `1m30s`, `500ms`.
- An empty variable counts as not set.
- The file is read again when it changes. Options marked `live` are obeyed at once; of others a line of log says that they
  stay as they were until a restart ([operations](operations.md#changing-the-configuration)).
"""

WITHOUT_EFFECT: Final = """\
## Accepted, without effect

These flags belong to Go's libraries. They are accepted so that existing manifests start, and one log line names those given.
"""


def page() -> str:
    """Return the text of docs/options.md."""
    lines = [INTRODUCTION]
    for section, members in groupby(options_of(Settings), lambda option: option.section):
        lines += [f"## {section}", "", "| flag | default | key | | variable | meaning |", "|---|---|---|---|---|---|"]
        for option in members:
            key, live = _code(option.key) if option.key else "", "live" if option.live else ""
            lines.append(_row(_code(option.usage), _default(option), key, live, _code(option.variable), option.meaning))
        lines.append("")
    lines += ["## Other commands", "", "These take flags only.", ""]
    for command in COMMANDS:
        if command.options is Settings:
            continue
        lines += [f"### {command.name}", "", command.help, ""]
        if command.options:
            lines += ["| flag | default | meaning |", "|---|---|---|"]
            lines += [
                _row(_code(option.usage), _default(option), option.meaning) for option in options_of(command.options)
            ]
            lines.append("")
    lines += [WITHOUT_EFFECT, *_foreign(IGNORED_FLAGS)]
    return "\n".join(lines) + "\n"


def _foreign(options: tuple[Option[Any], ...]) -> list[str]:
    rows = (_row(_code(f"--{option.flag}"), _code(option.key), option.help) for option in options)
    return ["| flag | key | meaning in kube-state-metrics |", "|---|---|---|", *rows]


def _default(option: Option[Any]) -> str:
    if isinstance(option.kind, Boolean):
        return _code(option.kind.show(option.default is True))
    return _code(option.default_text) if option.default_text else ""


def _code(text: str) -> str:
    return f"`{text}`"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

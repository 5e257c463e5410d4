"""Text of `--help`, made from the declarations, 100 columns wide."""

import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from ksm_shard.settings.commands import COMMANDS, Command
from ksm_shard.settings.options import Option, options_of
from ksm_shard.settings.run import Settings

WIDTH: Final = 100
INDENT: Final = 30


def overview() -> str:
    """Return the text of `ksm-shard --help`: the commands, and the topics of the flags of `run`."""
    return "\n".join(
        [
            "Usage: ksm-shard [run] [flags]",
            "       ksm-shard COMMAND [flags]",
            "       ksm-shard help COMMAND|TOPIC",
            "",
            *textwrap.wrap(
                "The metrics of kube-state-metrics, from a fleet of small processes that each export their own "
                "share of a cluster's objects.",
                WIDTH,
            ),
            "",
            "Commands:",
            *(line for command in COMMANDS for line in _entry(command.name, command.help)),
            "",
            *textwrap.wrap(
                f"Topics: {', '.join(topics())}. ksm-shard help sharding shows the flags of a topic, ksm-shard run --help all.",
                WIDTH,
            ),
        ]
    )


def topics() -> list[str]:
    """Return the topics of the flags of `run`, as `ksm-shard help TOPIC` takes them."""
    return list(dict.fromkeys(_topic(option) for option in options_of(Settings)))


def of_topic(topic: str) -> str:
    """Return the flags of `run` of one topic. Raises KeyError for one that is none of `topics`."""
    members = [option for option in options_of(Settings) if _topic(option) == topic]
    if not members:
        raise KeyError(topic)
    return "\n".join(_section(members))


def of_command(command: Command) -> str:
    """Return the text of `ksm-shard COMMAND --help`."""
    usage = f"Usage: ksm-shard {command.name}"
    if command.options:
        words = "".join(f" [{option.usage}]" for option in options_of(command.options) if not option.flag)
        usage += f" [flags]{words}"
    elif command.name == "completion":
        usage += " bash|zsh|fish"
    return "\n".join([usage, "", *textwrap.wrap(command.help, WIDTH), "", *_sections(command)]).rstrip("\n")


def _sections(command: Command) -> list[str]:
    options = options_of(command.options) if command.options else ()
    lines = [
        line
        for _, members in groupby(options, lambda option: option.section)
        for line in [*_section(list(members)), ""]
    ]
    if command.options is Settings:
        lines += textwrap.wrap(
            "Every flag of run is also a variable (--total-shards: KSM_SHARD_TOTAL_SHARDS) and a key in the file of --config "
            "(total_shards). The file overrides flags, flags override variables. docs/options.md has the whole table.",
            WIDTH,
        )
    return lines


def _section(options: Sequence[Option[Any]]) -> list[str]:
    return [
        f"{options[0].section}:",
        *(line for option in options for line in _entry(option.usage, _meaning(option))),
    ]


def _topic(option: Option[Any]) -> str:
    return option.section.lower().replace(" ", "-")


def _meaning(option: Option[Any]) -> str:
    return f"{option.meaning} Default: {option.default_text}." if option.default_text else option.meaning


def _entry(name: str, text: str) -> list[str]:
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=" " * INDENT,
        subsequent_indent=" " * INDENT,
        break_on_hyphens=False,
        break_long_words=False,
    )
    if len(name) > INDENT - 4:
        return [f"  {name}", *lines]
    return [f"  {name}".ljust(INDENT) + lines[0].strip(), *lines[1:]]

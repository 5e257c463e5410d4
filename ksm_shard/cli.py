"""Command line: finds the command, parses its options, and calls it.

Exit status 2 is a mistake of usage.
"""

import difflib
import os
import platform
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pkgutil import resolve_name
from typing import Final

from ksm_shard.settings import completion, usage
from ksm_shard.settings.commands import (
    COMMANDS,
    Cardinality,
    Check,
    Command,
    Compare,
    CustomValidate,
    Demo,
    Plan,
    Simulate,
)
from ksm_shard.settings.options import Options, UsageError
from ksm_shard.settings.parser import parse, parse_command
from ksm_shard.version import version

HELP: Final = frozenset({"-h", "-help", "--help"})
# Exit status of a command whose reader went away, as `| head` does: a shell's for a process that SIGPIPE ended.
UNREAD: Final = 128 + signal.SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command of the arguments; return the exit status.

    Without `argv` the arguments are those of the process.
    """
    words = sys.argv[1:] if argv is None else argv
    sought = "command"
    if words[:1] == ["help"]:
        topic = "-".join(words[1:]).lower()
        if topic in usage.topics():
            return _say(usage.of_topic(topic))
        words, sought = [*words[1:], "--help"], "command or topic"
    elif words == ["--version"]:
        words = ["version"]
    try:
        command, rest = _command(words, sought)
        if HELP & set(rest):
            return _say(usage.of_command(command) if command else usage.overview())
        return RUNNERS[command.name if command else "run"](rest)
    except UsageError as error:
        for problem in error.problems:
            print(f"ksm-shard: {problem}", file=sys.stderr)
        return 2


def _command(words: Sequence[str], sought: str) -> tuple[Command | None, Sequence[str]]:
    """Return the command named by the first words, or None, and the rest."""
    if not words or words[0].startswith("-"):
        return None, words
    for command in COMMANDS:
        name = command.name.split()
        if list(words[: len(name)]) == name:
            return command, words[len(name) :]
    asked = " ".join(words[:1])
    names = {command.name.partition(" ")[0]: command.name for command in COMMANDS}
    nearest = difflib.get_close_matches(asked, names, n=1)
    hint = f"did you mean {names[nearest[0]]}?" if nearest else f"there are {', '.join(names.values())}"
    raise UsageError(f"{asked}: no such {sought}; {hint}")


def _run(argv: Sequence[str]) -> int:
    chosen = parse(argv, os.environ)
    if chosen.ignored_flags:
        print(f"ksm-shard: without effect here: {', '.join(chosen.ignored_flags)}", file=sys.stderr)
    status: int = resolve_name("ksm_shard.commands.run:run")(
        chosen, lambda content: parse(argv, os.environ, content=content)
    )
    return status


def _validate(argv: Sequence[str]) -> int:
    settings = parse(argv, os.environ)
    if settings.tls_config:
        from ksm_shard.web.nodes import BadConfig  # noqa: PLC0415  only where there is one
        from ksm_shard.web.webfile import WebFile  # noqa: PLC0415

        try:
            WebFile(settings.tls_config)
        except BadConfig as error:
            raise UsageError(f"--tls-config: {error}") from None
    problems: list[str] = resolve_name("ksm_shard.commands.custom:problems")(settings)
    if problems:
        raise UsageError(*problems)
    print("ok")
    return 0


def _call(function: str, options: Options) -> int:
    # Imported only now: `ksm-shard version` needs no gunicorn, and `check` no protobuf.
    try:
        status: int = resolve_name(function)(options)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_stdout()
        return UNREAD
    return status


def _version(argv: Sequence[str]) -> int:
    if argv:
        raise UsageError(f"version: takes no flags, got {argv[0]!r}")
    return _say(f"ksm-shard {version()}, Python {platform.python_version()}, {sys.platform} {platform.machine()}")


def _completion(argv: Sequence[str]) -> int:
    if argv[1:]:
        raise UsageError(f"completion: takes one shell, got also {argv[1]!r}")
    return _say(completion.script(argv[0] if argv else "").removesuffix("\n"))


def _say(text: str) -> int:
    """Print a text; a closed pipe, as after `| head`, is no error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _leave_stdout()
    return 0


def _leave_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end


RUNNERS: Final[Mapping[str, Callable[[Sequence[str]], int]]] = {
    "run": _run,
    "demo": lambda argv: _call("ksm_shard.commands.demo:main", parse_command(Demo, argv)),
    "simulate": lambda argv: _call("ksm_shard.commands.simulate:main", parse_command(Simulate, argv)),
    "check": lambda argv: _call("ksm_shard.commands.check:main", parse_command(Check, argv)),
    "plan": lambda argv: _call("ksm_shard.commands.plan:main", parse_command(Plan, argv)),
    "compare": lambda argv: _call("ksm_shard.commands.compare:main", parse_command(Compare, argv)),
    "cardinality": lambda argv: _call("ksm_shard.commands.cardinality:main", parse_command(Cardinality, argv)),
    "config validate": _validate,
    "custom validate": lambda argv: _call("ksm_shard.commands.custom:validate", parse_command(CustomValidate, argv)),
    "rbac": lambda argv: _call("ksm_shard.commands.rbac:rbac", parse(argv, os.environ)),
    "version": _version,
    "completion": _completion,
}

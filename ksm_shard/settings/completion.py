"""Completion scripts for shells, made from the declarations.

Load one with `source <(ksm-shard completion bash)`.
"""

import shlex
from typing import Final

from ksm_shard.settings.commands import COMMANDS, Command
from ksm_shard.settings.options import UsageError, options_of

SHELLS: Final = ("bash", "zsh", "fish")
# Words other than flags that may follow a command.
SECOND_WORDS: Final = {"config validate": ("validate",), "custom validate": ("validate",), "completion": SHELLS}

BASH: Final = """\
_ksm_shard() {{
  local words="{run}"
  case "${{COMP_WORDS[1]}}" in
{cases}
  esac
  [ "$COMP_CWORD" = 1 ] && words="$words {names}"
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _ksm_shard ksm-shard
"""


def script(shell: str) -> str:
    """Return the completion script for a shell.

    Raises:
        UsageError: the shell is not one of SHELLS.
    """
    if shell == "bash":
        return _bash()
    if shell == "zsh":
        return f"#compdef ksm-shard\nautoload -U +X bashcompinit && bashcompinit\n{_bash()}"
    if shell == "fish":
        return _fish()
    raise UsageError(f"completion: {f'{shell!r} must be' if shell else 'give'} {' or '.join(SHELLS)}")


def _bash() -> str:
    cases = "\n".join(f'    {_first_word(command)}) words="{" ".join(_words(command))}" ;;' for command in COMMANDS)
    return BASH.format(run=" ".join(_words(COMMANDS[0])), cases=cases, names=" ".join(map(_first_word, COMMANDS)))


def _fish() -> str:
    lines = ["complete -c ksm-shard -f"]
    for command in COMMANDS:
        name = _first_word(command)
        lines.append(f"complete -c ksm-shard -n __fish_use_subcommand -a {name} -d {shlex.quote(command.help)}")
        here = f"complete -c ksm-shard -n '__fish_seen_subcommand_from {name}' -a"
        lines += [f"{here} {word}" for word in _words(command)]
    lines += [f"complete -c ksm-shard -n __fish_use_subcommand -a {word}" for word in _words(COMMANDS[0])]
    return "\n".join(lines) + "\n"


def _words(command: Command) -> list[str]:
    flags = [f"--{option.flag}" for option in options_of(command.options) if option.flag] if command.options else []
    return [*SECOND_WORDS.get(command.name, ()), *flags]


def _first_word(command: Command) -> str:
    return command.name.partition(" ")[0]

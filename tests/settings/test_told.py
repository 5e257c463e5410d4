"""What users are told of the options: help, the page in docs/ and completion all follow from the declarations."""

import shutil
import subprocess
import sys

import pytest

from ksm_shard.kinds import resources
from ksm_shard.settings import completion, usage
from ksm_shard.settings.commands import COMMANDS, Command
from ksm_shard.settings.options import options_of
from ksm_shard.settings.values import Boolean
from tools import options_page as docs

# Lines of a terminal of common size.
SCREEN = 30
WITH_OPTIONS = [command for command in COMMANDS if command.options]


@pytest.mark.parametrize("command", WITH_OPTIONS, ids=lambda command: command.name)
def test_help_has_every_option(command: Command) -> None:
    """`--help` shows each flag with its placeholder and default, in 100 columns."""
    text = usage.of_command(command)
    unwrapped = " ".join(text.split())

    assert command.options is not None
    for option in options_of(command.options):
        assert option.usage.removesuffix(" ...") in text
        if not isinstance(option.kind, Boolean):
            assert option.default_text in unwrapped
    assert max(map(len, text.splitlines())) <= usage.WIDTH


def test_overview_has_every_command() -> None:
    """`ksm-shard --help` names the commands and the topics, on a screen."""
    text = usage.overview()

    assert all(f"  {command.name} " in text for command in COMMANDS)
    assert all(topic in text for topic in usage.topics())
    assert len(text.splitlines()) <= SCREEN


def test_every_topic_fits_a_screen() -> None:
    """Together the topics have every flag of run."""
    texts = [usage.of_topic(topic) for topic in usage.topics()]

    assert COMMANDS[0].options is not None
    assert all(option.usage in "".join(texts) for option in options_of(COMMANDS[0].options))
    assert max(len(text.splitlines()) for text in texts) <= SCREEN


def test_help_names_every_resource() -> None:
    """Those that are on by default, and the others, as the kinds declare them; the page says the same."""
    unwrapped = " ".join(usage.of_command(COMMANDS[0]).split())
    on = [name for name, resource in resources().items() if resource.default]
    off = [name for name, resource in resources().items() if not resource.default]
    sentences = f"Default resources: {', '.join(on)}. Further resources: {', '.join(off)}."

    assert sentences in unwrapped
    assert sentences in docs.page()


def test_a_start_imports_no_kind() -> None:
    """The process that binds the ports stays small: the kinds are imported by who asks for help, and by the worker."""
    code = "import sys; from ksm_shard.settings import parse; parse(['--resources=pods'], {}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "ksm_shard.kinds" in done.stdout.split()
    assert [] == [name for name in done.stdout.split() if name.startswith("ksm_shard.kinds.")]


def test_the_page_is_current() -> None:
    """docs/options.md is what `python -m tools.options_page` writes."""
    assert docs.page() == docs.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_scripts_are_valid(shell: str) -> None:
    """Each script is taken by its shell, where there is one."""
    program = shutil.which(shell)
    if not program:
        pytest.skip(f"there is no {shell}")

    subprocess.run([program, "-n"], input=completion.script(shell), text=True, check=True, timeout=20)


def test_bash_completes() -> None:
    """Commands and flags come up as they are typed."""
    bash = shutil.which("bash")
    if not bash:
        pytest.skip("there is no bash")

    def completed(*words: str) -> list[str]:
        typed = " ".join(f"'{word}'" for word in words)
        line = f"COMP_WORDS=(ksm-shard {typed}); COMP_CWORD={len(words)}; _ksm_shard; echo ${{COMPREPLY[*]}}"
        script = completion.script("bash") + line
        return subprocess.run([bash], input=script, capture_output=True, text=True, check=True).stdout.split()

    assert completed("de") == ["demo"]
    assert completed("--total") == ["--total-shards"]
    assert completed("simulate", "--po") == ["--pods", "--port"]
    assert completed("completion", "z") == ["zsh"]

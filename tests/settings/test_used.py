"""An option that nobody reads has no effect. What each effect is, the tests of the rooms and of processes tell."""

import ast
from pathlib import Path

import pytest

from ksm_shard.settings.commands import COMMANDS
from ksm_shard.settings.options import Options, options_of

PACKAGE = Path(__file__).parents[2] / "ksm_shard"
# Where options are handed on; derived defaults read others in settings/.
READERS = (*(PACKAGE / "commands").glob("*.py"), PACKAGE / "assembly.py", *(PACKAGE / "settings").glob("*.py"))
READ = {
    node.attr
    for path in READERS
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in {"settings", "options"}
}


@pytest.mark.parametrize("declaration", dict.fromkeys(command.options for command in COMMANDS if command.options))
def test_every_option_is_read(declaration: type[Options]) -> None:
    """Somebody passes it on to the room that it is for, or makes a default of it."""
    unread = {option.name for option in options_of(declaration)} - READ

    assert set() == unread, (
        "hand these on, those of run in assembly.py or commands/run.py, others in the command's file"
    )

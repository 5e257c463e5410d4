"""The options of ksm-shard, each declared once, in run.py or commands.py.

values.py reads values, options.py declares options, parser.py parses flags, variables and file. usage.py and completion.py make
`--help` and shell completion from the declarations, and tools/ makes the documentation.
"""

from ksm_shard.settings.commands import Check, Demo, Plan, Simulate
from ksm_shard.settings.options import UsageError
from ksm_shard.settings.parser import parse, parse_command
from ksm_shard.settings.run import Settings

__all__ = ["Check", "Demo", "Plan", "Settings", "Simulate", "UsageError", "parse", "parse_command"]

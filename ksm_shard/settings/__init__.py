"""What a user can tell ksm-shard: each option declared once, in run.py or commands.py; all else follows from that.

values.py reads values, options.py declares, parser.py parses; usage.py, completion.py and tools/options_page.py tell users of them.
"""

from ksm_shard.settings.commands import Check, Demo, Plan, Simulate
from ksm_shard.settings.options import UsageError
from ksm_shard.settings.parser import parse, parse_command
from ksm_shard.settings.run import Settings

__all__ = ["Check", "Demo", "Plan", "Settings", "Simulate", "UsageError", "parse", "parse_command"]

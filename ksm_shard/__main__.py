"""Run `ksm-shard` as `python -m ksm_shard`."""

import sys

from ksm_shard.cli import main

sys.exit(main())

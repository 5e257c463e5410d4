"""`python -m ksm_shard` is `ksm-shard`."""

import sys

from ksm_shard.cli import main

sys.exit(main())

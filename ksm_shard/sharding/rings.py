"""Both ways to divide slots, by the name that `--sharding-mode` and reports have for them."""

from typing import Final

from ksm_shard.sharding.ranges import SERVER_SIDE
from ksm_shard.sharding.ring import MMH3

RINGS: Final = {ring.name: ring for ring in (MMH3, SERVER_SIDE)}

"""Both ways to divide slots, by the name that `--sharding-mode` and reports have for them."""

from typing import Final

from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ranges import SERVER_SIDE

RINGS: Final = {ring.name: ring for ring in (MMH3, SERVER_SIDE)}

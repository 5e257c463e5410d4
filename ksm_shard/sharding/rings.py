"""Both rings, by their names in `--sharding-mode` and in reports."""

from typing import Final

from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ranges import SERVER_SIDE

RINGS: Final = {ring.name: ring for ring in (MMH3, SERVER_SIDE)}

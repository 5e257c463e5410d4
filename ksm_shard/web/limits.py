"""What clients can take of the process: connections, by its open files, and memory."""

import contextlib
import resource
from typing import Final

from ksm_shard.store.pages import PIECE

# Connections at once: Prometheus, probes and people need twenty. Each that only waits holds 3 kB, and what it has said so far.
MOST: Final = 1024
# Bytes of a header at most: nginx takes 32 kB in all, Apache 8 kB a line.
MOST_HEADER: Final = 16 << 10
# Scrapes under way at once. A reader that crawls keeps its thread, which holds 50 kB, for the write timeout: 48 of them are
# answered, and the 49th is refused.
SCRAPES: Final = 48
# Bytes of an answer that the kernel keeps for a client that does not read, as it is asked for; it doubles the figure. Left to
# itself it took 4 MB a connection, 190 MB for 48, which count as memory of the container. 256 kB a round trip are 25 MB/s at 10 ms.
SEND_BUFFER: Final = 128 << 10
# And of what a client sends while it is answered: up to 6 MB otherwise.
RECEIVE_BUFFER: Final = 16 << 10
# Bytes of replaced pages that slow readers hold together; 48 of them held 180 MB at 1,500 changes a second.
UNREAD: Final = 32 << 20
# What clients cost at most, beside the pages that are the store's anyway: of this a fleet that nobody attacks needs a few MB.
CLIENTS: Final = UNREAD + SCRAPES * (PIECE + 2 * SEND_BUFFER) + MOST * MOST_HEADER


def raise_open_files() -> int:
    """Raise the soft limit of open files to the hard one, which needs no right, and return it.

    The soft one is 1,024 in most containers, for the sake of programs that use select(2).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # "unlimited" may be more than the kernel takes
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return MOST * 2 if soft == resource.RLIM_INFINITY else soft


def most_connections(open_files: int) -> int:
    """Return how many connections are taken: half of the files are for the API server, where 39 resources need 80."""
    return min(MOST, open_files // 2)

"""Limits on what clients can take of the process: connections (by open files) and memory."""

import contextlib
import resource
from typing import Final

from ksm_shard.store.pages import PIECE

# Connections at once; Prometheus, probes and people need twenty. A waiting connection holds 3 kB and the bytes received so far.
MOST: Final = 1024
# Bytes of the headers of a request. nginx allows 32 kB in all, Apache 8 kB a line.
MOST_HEADER: Final = 16 << 10
# Scrapes in progress at once; one more is refused. A slow reader keeps its thread, which holds 50 kB, until the write timeout.
SCRAPES: Final = 48
# Bytes of an answer that the kernel is asked to buffer for a client that does not read; the kernel doubles the figure. By default
# it buffered 4 MB a connection, 190 MB for 48, which count as memory of the container. 256 kB a round trip are 25 MB/s at 10 ms.
SEND_BUFFER: Final = 128 << 10
# Bytes that the kernel is asked to buffer of a client that sends while it is answered; by default up to 6 MB.
RECEIVE_BUFFER: Final = 16 << 10
# Bytes of replaced pages that slow readers together may hold. Without this limit 48 readers held 180 MB at 1,500 changes a second.
UNREAD: Final = 32 << 20
# Memory that clients can cost at most, besides the pages that the store holds anyway. A fleet that nobody attacks needs a few MB.
CLIENTS: Final = UNREAD + SCRAPES * (PIECE + 2 * SEND_BUFFER) + MOST * MOST_HEADER
# What TLS adds to that: a connection keeps 62 kB once it has had a scrape, 17 before. Measured, as OpenSSL keeps its buffers.
CLIENTS_TLS: Final = MOST * 62_000


def raise_open_files() -> int:
    """Raise the soft limit of open files to the hard limit, and return it.

    That needs no privilege. Most containers have a soft limit of 1,024, for the sake of programs that use select(2).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # "unlimited" may exceed the kernel's maximum
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return MOST * 2 if soft == resource.RLIM_INFINITY else soft


def most_connections(open_files: int) -> int:
    """Return the number of connections to accept.

    Half of the open files are reserved for the API server, where 39 resources need 80.
    """
    return min(MOST, open_files // 2)

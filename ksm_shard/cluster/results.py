"""How a list or a watch ended, in one word: "ok", "garbled", "error", or the `result` of an error of `errors`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ksm_shard.cluster.errors import RequestError
from ksm_shard.wire.frames import WireError


@contextmanager
def counted(count: Callable[[str], None]) -> Iterator[None]:
    """Call `count` with the word for how the block ended; what it raises goes on."""
    try:
        yield
    except RequestError as error:
        count(error.result)
        raise
    except WireError:
        count("garbled")
        raise
    except Exception:
        count("error")
        raise
    count("ok")

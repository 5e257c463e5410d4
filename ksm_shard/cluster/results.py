"""Words for the end of a list or a watch.

They are "ok", "garbled", "error", and the `result` of each error of `errors`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ksm_shard.cluster.errors import RequestError
from ksm_shard.wire.frames import WireError


@contextmanager
def counted(count: Callable[[str], None]) -> Iterator[None]:
    """Call `count` with the word for the end of the block.

    Errors go on to the caller.
    """
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

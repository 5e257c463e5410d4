"""Keep one of several samples of a series: different objects may have the same, and Prometheus refuses a second."""

from ksm_shard.store.pages import Body, deflate, inflate


def distinct(body: Body) -> tuple[Body, int]:
    """Return a body without the samples whose series an earlier line has, and the number of those."""
    kept: dict[bytes, bytes] = {}
    lines = 0
    for page in body.pages:
        for line in inflate(page).split(b"\n"):
            if line:
                lines += 1
                kept.setdefault(_series(line), line)
    if len(kept) == lines:
        return body, 0
    return Body.of([deflate(b"\n".join([*kept.values(), b""]))]), lines - len(kept)


def _series(line: bytes) -> bytes:
    """Return the name and labels of a sample, whether or not it has a timestamp.

    Label values may contain spaces and braces; what follows the labels contains neither.
    """
    labelled, brace, _ = line.rpartition(b"} ")
    return labelled if brace else line.partition(b" ")[0]

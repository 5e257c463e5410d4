r"""Templates: texts that objects have in common but for their own labels, kept with a blank for these.

Most families say one of a few things of an object: a pod is running, its containers are ready. To ask their functions takes a third
of the time that it takes to write the lines. So what the functions said is looked up, and lines that were written before are
copied: 4 us for the 30 lines of a pod that many pods have, which took 25 to write.
"""

from collections.abc import Callable, Hashable
from typing import Any, Final

from ksm_shard.metrics.families import Family
from ksm_shard.metrics.once import Duplicated, Once

Failed = Callable[[Family, Exception], None]
Shared = Callable[[Any], str]
Write = Callable[[Any, str, Shared, Failed, Once], list[str]]
# What stands in a template for the labels of an object, and for those that series of its parts have besides. No text is like
# them: label values are escaped, so that a line feed is at the end of a line only, and a metric's name or nothing follows.
IDS: Final = "\n0"
SHARED: Final = "\n1"
# Most templates of a resource, of which each takes 5 to 10 kB together with what was said. In a list, the pods of a workload,
# which share a template, follow one another, so even a larger cluster does not need them all at once.
MOST: Final = 1024
# New templates between two looks at whether they are worth it.
TRIAL: Final = 256


class _Template:
    """The texts of an object with blanks.

    Attributes:
        pieces: of each text, between which the labels of the object belong.
        shared: position and format of each text that also has labels which parts share.
        repeated: number of series that the object repeats.
    """

    __slots__ = ("pieces", "repeated", "shared")

    def __init__(self, texts: list[str], repeated: int) -> None:
        """Take texts written with IDS and SHARED for labels."""
        self.pieces = [(text,) if SHARED in text else tuple(text.split(IDS)) for text in texts]
        self.shared = [(at, _format(text)) for at, text in enumerate(texts) if SHARED in text]
        self.repeated = repeated

    def filled(self, ids: str, shared: str) -> list[str]:
        """Return the texts with these labels."""
        texts = list(map(ids.join, self.pieces))
        if self.shared:
            labels = {"ids": ids, "shared": shared}
            for at, form in self.shared:
                texts[at] = form % labels
        return texts


class Templates:
    """The templates of one resource.

    Attributes:
        useful: false once more objects needed a new template than found one; then they are no longer asked what they say.
    """

    def __init__(self, write: Write, shared: Shared | None, failed: Failed, duplicated: Duplicated) -> None:
        """Take the functions of a resource.

        Args:
            write: takes an object, its labels, a function for those that its parts share, and whom to tell of what is wrong with
                the object; returns its texts.
            shared: returns the labels that the parts of an object share; None if they share none.
            failed: called with a family and an error when the family raises.
            duplicated: called with the number of series that an object repeats.
        """
        self.useful = True
        self._write = write
        self._shared = shared or _nothing
        self._failed = failed
        self._duplicated = duplicated
        self._known: dict[Hashable, _Template] = {}
        self._pieces: dict[tuple[str, ...], tuple[str, ...]] = {}  # the same text of a family is kept once
        self._found = self._made = 0

    def texts(self, said: Hashable, obj: Any, ids: str) -> list[str] | None:
        """Return the texts of an object, of which its functions said that; None if there is no template yet.

        Raises whatever an odd object raises, or a function that says something that cannot be looked up.
        """
        shared = self._shared(obj)
        template = self._known.get(said)
        if template is None:
            return None
        self._found += 1
        if template.repeated:
            self._duplicated(template.repeated)
        return template.filled(ids, shared)

    def written(self, said: Hashable | None, obj: Any, ids: str) -> list[str]:
        """Write the texts of an object, and keep them as a template for others of which the same is said.

        Nothing is kept if `said` is None, as a function failed, nor if a family fails: failures are reported for each object.
        """
        if said is None:
            return self._write(obj, ids, self._shared, self._failed, Once(self._duplicated))
        shared = self._shared(obj)
        failures: list[Family] = []
        repeated: list[int] = []

        def failed(family: Family, error: Exception) -> None:
            failures.append(family)
            self._failed(family, error)

        def duplicated(count: int) -> None:
            repeated.append(count)
            self._duplicated(count)

        texts = self._write(obj, IDS, _blank, failed, Once(duplicated))
        template = _Template(texts, sum(repeated))
        if not failures:
            self._keep(said, template)
        return template.filled(ids, shared)

    def _keep(self, said: Hashable, template: _Template) -> None:
        if len(self._known) >= MOST:
            self._forget()
        template.pieces = [self._pieces.setdefault(one, one) for one in template.pieces]
        self._known[said] = template
        self._made += 1
        if self._made >= TRIAL:
            self.useful = self._found > self._made
            self._found = self._made = 0
            if not self.useful:
                self._forget()

    def _forget(self) -> None:
        self._known, self._pieces = {}, {}


def _format(text: str) -> str:
    return text.replace("%", "%%").replace(IDS, "%(ids)s").replace(SHARED, "%(shared)s")


def _nothing(obj: Any) -> str:
    del obj
    return ""


def _blank(obj: Any) -> str:
    del obj
    return SHARED

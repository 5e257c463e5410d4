r"""Templates: texts that objects have in common but for their own labels, kept with a blank for these.

Most pods of a workload differ in their names, addresses and times, of which few families speak. So an object is parsed once more,
as a message without such fields, and texts that were written of an equal message before are copied. Nobody declares which families
these are: each is asked of the message without the fields, and one that fails there, as it reads a field that is missing, is asked
of each object itself.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from ksm_shard.metrics.families import Family
from ksm_shard.metrics.once import Duplicated, Once

Failed = Callable[[Family, Exception], None]
Shared = Callable[[Any], str]
Write = Callable[[Any, str, Shared, Failed, Once, Sequence[bool], list[str]], object]
# What stands in a template for the labels of an object, and for those that series of its parts have besides. No text is like
# them: label values are escaped, so that a line feed is at the end of a line only, and a metric's name or nothing follows.
IDS: Final = "\n0"
SHARED: Final = "\n1"
# Most templates of a resource, of which each takes 5 to 10 kB together with its key. In a list, the pods of a workload,
# which share a template, follow one another, so even a larger cluster does not need them all at once.
MOST: Final = 1024
# New templates between two looks at whether they are worth it, and those that have to be found for each: a new one costs 85 us more
# than a pod written for itself, one that is found 50 us less.
TRIAL: Final = 256
WORTH: Final = 2
# Objects that are written for themselves before the next trial, which costs them 5 us each.
REST: Final = 4096


class _Template:
    """The texts of an object with blanks.

    Attributes:
        pieces: of each text, between which the labels of the object belong.
        shared: position of each text that also has labels which parts share, and its pieces, between whose pieces these belong.
        own: whether each text has to be written of the object itself.
        repeated: number of series that the object repeats.
    """

    __slots__ = ("own", "pieces", "repeated", "shared")

    def __init__(self, texts: list[str], own: list[bool], repeated: int) -> None:
        """Take texts written with IDS and SHARED for labels."""
        self.pieces = [tuple(text.split(IDS)) for text in texts]
        self.shared = [
            (at, [piece.split(SHARED) for piece in pieces])
            for at, pieces in enumerate(self.pieces)
            if SHARED in texts[at]
        ]
        self.own = own
        self.repeated = repeated

    def filled(self, ids: str, shared: str) -> list[str]:
        """Return the texts with these labels."""
        texts = list(map(ids.join, self.pieces))
        for at, pieces in self.shared:
            texts[at] = ids.join(map(shared.join, pieces))
        return texts


class Templates:
    """The templates of one resource; for a while there are none if too many objects needed a new one."""

    def __init__(
        self,
        families: Sequence[Family],
        parse: Callable[[bytes], Any],
        write: Write,
        shared: Shared | None,
        failed: Failed,
        duplicated: Duplicated,
    ) -> None:
        """Take the functions of a resource.

        Args:
            families: those that have texts.
            parse: takes an encoded object and returns a message of the fields that objects have in common.
            write: takes an object or such a message, the labels of the object, a function for those that its parts share, whom to
                tell of what is wrong, and which families to write into which texts.
            shared: takes an object and returns the labels that its parts share; None if they share none.
            failed: called with a family and an error when the family raises.
            duplicated: called with the number of series that an object repeats.
        """
        self._resting = 0  # objects until the next trial
        self._positions = {family.name: at for at, family in enumerate(families)}
        self._all = [True] * len(families)
        self._parse = parse
        self._write = write
        self._shared = shared or _nothing
        self._failed = failed
        self._duplicated = duplicated
        self._once = Once(duplicated)
        self._known: dict[bytes, _Template] = {}
        self._pieces: dict[tuple[str, ...], tuple[str, ...]] = {}  # the same text of a family is kept once
        self._found = self._made = 0

    def texts(self, obj: Any, encoded: bytes | None, ids: str) -> list[str]:
        """Return the texts of an object, of which `encoded` is the encoding if that is at hand."""
        try:
            shared = self._shared(obj)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001  the families that show these labels fail by themselves
            return self._alone(obj, ids)
        if self._resting > 0:  # two threads may have taken the last one
            self._resting -= 1
            return self._alone(obj, ids)
        common = self._parse(obj.SerializeToString() if encoded is None else encoded)
        # Fields that it lacks are kept as unknown ones, and would be written too.
        common.DiscardUnknownFields()
        # Where maps are written in another order the object gets a template of its own, which says the same.
        key = common.SerializeToString()
        template = self._known.get(key)
        if template is None:
            template = self._new(key, common)
        else:
            self._found += 1
        if template.repeated:
            self._duplicated(template.repeated)
        texts = template.filled(ids, shared)
        self._write(obj, ids, self._shared, self._failed, self._once, template.own, texts)
        return texts

    def _alone(self, obj: Any, ids: str) -> list[str]:
        """Write the texts of an object for it alone."""
        texts = [""] * len(self._all)
        self._write(obj, ids, self._shared, self._failed, self._once, self._all, texts)
        return texts

    def _new(self, key: bytes, common: Any) -> _Template:
        """Make a template and keep it."""
        texts, own = [""] * len(self._all), [False] * len(self._all)
        repeated: list[int] = []

        def failed(family: Family, error: Exception) -> None:
            del error
            own[self._positions[family.name]] = True

        self._write(common, IDS, _blank, failed, Once(repeated.append), self._all, texts)
        template = _Template(["" if own[at] else text for at, text in enumerate(texts)], own, sum(repeated))
        if len(self._known) >= MOST:
            self._forget()
        template.pieces = [self._pieces.setdefault(one, one) for one in template.pieces]
        self._known[key] = template
        self._made += 1
        if self._made >= TRIAL:
            if self._found < WORTH * self._made:
                self._resting = REST
                self._forget()
            self._found = self._made = 0
        return template

    def _forget(self) -> None:
        self._known, self._pieces = {}, {}


def _nothing(obj: Any) -> str:
    del obj
    return ""


def _blank(obj: Any) -> str:
    del obj
    return SHARED

"""How a metric family is declared: its name, help, type, stability and labels, and a function from an object to rows.

What to say is the function's business; how it is written is the compiler's. The decorators return the function unchanged.

shape     the function returns                                  written as
--------  ----------------------------------------------------  ------------------------------------------
value     a number, or None                                     one sample, or none
one_hot   the current state, or ""                              one sample a known state, 1 for the current
info      rows of label values                                  one sample a row, value 1
rows      rows of label values that end in a number             one sample a row
states    rows of label values that end in the current state    one_hot for each row
mapping   Kubernetes keys and values                            one sample, a label a key, value 1
source    (nothing: the resource's FamilySource has its statements)   whatever they write
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from ksm_shard.wire.reading import Reading
from ksm_shard.wire.shape import MessageShape, Shape

Number = float | int | bool | None
Rows = Sequence[tuple[Any, ...]]
F = TypeVar("F", bound=Callable[..., Any])


class FamilySource(Protocol):
    """Families that are not declared as functions but written as statements, for what is known only when a file is read."""

    @property
    def scope(self) -> Mapping[str, Any]:
        """Names that the statements use, and their values."""

    def statements(self, family: "Family", variable: str) -> list[str]:
        """Return the statements that add the samples of `obj` to `text`; `variable` has the family."""

    def prelude(self) -> list[str]:
        """Return what runs before them, once an object, for all families that were asked for."""


STABLE: Final = "STABLE"
ALPHA: Final = "ALPHA"


@dataclass(frozen=True, slots=True)
class Family:
    """A declared metric family.

    Attributes:
        name, help, type, stability: as in HELP and TYPE, and kube-state-metrics' classes of stability.
        shape: one of the table above.
        labels: names of the static labels, without the object's own.
        function: from an object, or a part of it, to what its shape says.
        states: the known states of `one_hot` and `states`, in the order they are written.
        part: the part of the object that the function takes, None for the whole.
        prefix: of the label names that `mapping` makes of keys.
        allowlist: "labels" or "annotations" if only allowed keys are written, "" if all are.
        sparse: those of the labels that a row leaves out where their value is None.
        opt_in: off unless asked for.
        viewed: the function, or that of the part, takes the view of an object; others take object and view alike.
        deprecated_since: version of kube-state-metrics.
        repeats: different objects may have the same series: nothing in its labels tells them apart for sure.
    """

    name: str
    help: str
    stability: str
    shape: str
    function: Callable[[Any], Any]
    type: str = "gauge"
    labels: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    part: "Part | None" = None
    prefix: str = ""
    allowlist: str = ""
    sparse: tuple[str, ...] = ()
    opt_in: bool = False
    viewed: bool = False
    deprecated_since: str = ""
    repeats: bool = False


class Declarations:
    """The decorators that declare families: of whole objects (Resource) or of a repeated part of them (Part)."""

    def __init__(self, families: list[Family], part: "Part | None", *, viewed: bool = False) -> None:
        """Families are added to the list, with that part."""
        self.families = families
        self._part = part
        self._viewed = viewed

    def _declare(self, shape: str, name: str, text: str, stability: str, **more: Any) -> Callable[[F], F]:
        def declare(function: F) -> F:
            family = Family(name, text, stability, shape, function, part=self._part, viewed=self._viewed, **more)
            self.families.append(family)
            return function

        return declare

    def value(self, name: str, text: str, stability: str, **more: Any) -> Callable[[F], F]:
        """Declare a family of one number an object: `type`, `opt_in` and `deprecated_since` besides."""
        return self._declare("value", name, text, stability, **more)

    def one_hot(
        self, name: str, text: str, stability: str, *, label: str, states: Sequence[str], **more: Any
    ) -> Callable[[F], F]:
        """Declare a family that tells which of the known states an object is in."""
        return self._declare("one_hot", name, text, stability, labels=(label,), states=tuple(states), **more)

    def info(
        self, name: str, text: str, stability: str, *, labels: str = "", sparse: str = "", **more: Any
    ) -> Callable[[F], F]:
        """Declare a family of rows whose value is always 1: `opt_in` and `deprecated_since` besides."""
        return self._declare(
            "info", name, text, stability, labels=tuple(labels.split()), sparse=tuple(sparse.split()), **more
        )

    def rows(
        self, name: str, text: str, stability: str, *, labels: str, sparse: str = "", **more: Any
    ) -> Callable[[F], F]:
        """Declare a family of rows that end in their value: `type`, `opt_in` and `deprecated_since` besides."""
        return self._declare(
            "rows", name, text, stability, labels=tuple(labels.split()), sparse=tuple(sparse.split()), **more
        )

    def states(
        self, name: str, text: str, stability: str, *, labels: str, states: Sequence[str], **more: Any
    ) -> Callable[[F], F]:
        """Declare a family of rows that end in their current state, the last of the labels."""
        return self._declare(
            "states", name, text, stability, labels=tuple(labels.split()), states=tuple(states), **more
        )

    def mapping(
        self, name: str, text: str, stability: str, *, prefix: str, allowlist: str = "", **more: Any
    ) -> Callable[[F], F]:
        """Declare a family with a label for each Kubernetes key of a mapping; None writes no sample."""
        return self._declare("mapping", name, text, stability, prefix=prefix, allowlist=allowlist, **more)


class Part(Declarations):
    """A repeated message of an object whose families have labels of their own, such as a pod's containers."""

    def __init__(
        self,
        families: list[Family],
        items: Callable[[Any], Iterable[Any]],
        labels: Mapping[str, str],
        *,
        viewed: bool = False,
    ) -> None:
        """Take the function from the object, or its view, to the items, and label names -> dotted fields of an item."""
        super().__init__(families, self, viewed=viewed)
        self.items = items
        self.labels = dict(labels)


class Resource(Declarations):
    """One resource of the API and the families that its objects have."""

    def __init__(
        self,
        api_version: str,
        plural: str,
        shape: type[Any] | Shape,
        *,
        labels: Mapping[str, str] | None,
        kind: str = "",
        namespaced: bool = True,
        default: bool = True,
        reading: Reading = Reading.FULL,
        columns: Mapping[str, int] | None = None,
        view: Callable[[Any], Any] | None = None,
        name: str = "",
        selectors: Mapping[str, str] | None = None,
        source: Callable[[], FamilySource] | None = None,
    ) -> None:
        """Declare a resource.

        Args:
            api_version: `v1` or group/version.
            plural: its name in the API and in `--resources`.
            shape: what its objects are parsed as: a thin message, or another shape.
            labels: the labels that identify an object: names -> dotted fields; a bare name is a field of the metadata. None
                for families that bring all their labels.
            kind: its kind in the API; without it, the message's name.
            namespaced: whether its objects live in namespaces.
            default: whether it is exported unless `--resources` says otherwise.
            reading: how much of each object is asked for.
            columns: for Reading.TABLE, message fields -> positions of cells.
            view: makes of a message what the functions of `viewed` families take, once an object. It has all parts of the
                message that the other functions read: where any family on is `viewed`, they are handed it too.
            name: what it is called here, where the plural alone is not enough.
            selectors: `labelSelector` and `fieldSelector` of the objects that it is about.
            source: makes the statements of families of that shape.
        """
        super().__init__([], None)
        self.api_version = api_version
        self.plural = plural
        self.name = name or plural
        self.shape = MessageShape(shape) if isinstance(shape, type) else shape
        self.kind = kind or self.shape.name
        self.labels = dict(labels or {})
        self.namespaced = namespaced
        self.default = default
        self.reading = reading
        self.columns = dict(columns or {})
        self.view = view
        self.selectors = dict(selectors or {})
        self.source = source

    @property
    def group(self) -> str:
        """The API group, "" for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def path(self) -> str:
        """The URL path of the list of all objects: `/api/v1/pods`, `/apis/apps/v1/deployments`."""
        return f"/{'apis' if self.group else 'api'}/{self.api_version}/{self.plural}"

    @property
    def viewed(self) -> Declarations:
        """The decorators that declare families of the view."""
        return Declarations(self.families, None, viewed=True)

    def part(self, items: Callable[[Any], Iterable[Any]], labels: Mapping[str, str], *, viewed: bool = False) -> Part:
        """Declare a repeated part of the objects, or of their views. Items with the labels of an earlier one are left out."""
        return Part(self.families, items, labels, viewed=viewed)

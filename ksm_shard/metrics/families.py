"""Declarations of metric families.

A declaration has a name, help, type, stability, labels, and a function from an object to rows. The function decides what to report,
the compiler how to write it. The decorators return the function unchanged.

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

from ksm_shard.wire.narrowed import narrowed
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
        name, help, type, stability: as in HELP and TYPE, and in the stability classes of kube-state-metrics.
        shape: one of the shapes in the table above.
        labels: names of the family's own labels, without the identity labels of the object.
        function: takes an object, or an item of a part, and returns what the shape requires.
        states: the known states of `one_hot` and `states`, in the order of writing.
        part: the part of the object whose items the function takes; None if the function takes the whole object.
        prefix: prefix of the label names that `mapping` makes of keys.
        allowlist: "labels" or "annotations" if that allowlist selects the keys to write; "" if all keys are written.
        sparse: labels that a row omits if their value is None.
        opt_in: off by default; on if the opt-in list names the family.
        viewed: the function, or the function of its part, takes the view of an object.
        deprecated_since: version of kube-state-metrics that deprecated the family; "" if none did.
        repeats: different objects may have the same series, because no label tells them apart for certain.
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
    """Decorators that declare families, of whole objects (Resource) or of a repeated part of them (Part)."""

    def __init__(self, families: list[Family], part: "Part | None", *, viewed: bool = False) -> None:
        """Collect declared families in `families`; give each `part` and `viewed`."""
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
        """Declare a family of one number an object.

        Also takes `type`, `opt_in` and `deprecated_since`.
        """
        return self._declare("value", name, text, stability, **more)

    def one_hot(
        self, name: str, text: str, stability: str, *, label: str, states: Sequence[str], **more: Any
    ) -> Callable[[F], F]:
        """Declare a family that shows which of the known states an object is in."""
        return self._declare("one_hot", name, text, stability, labels=(label,), states=tuple(states), **more)

    def info(
        self, name: str, text: str, stability: str, *, labels: str = "", sparse: str = "", **more: Any
    ) -> Callable[[F], F]:
        """Declare a family of rows whose value is always 1.

        Also takes `opt_in` and `deprecated_since`.
        """
        return self._declare(
            "info", name, text, stability, labels=tuple(labels.split()), sparse=tuple(sparse.split()), **more
        )

    def rows(
        self, name: str, text: str, stability: str, *, labels: str, sparse: str = "", **more: Any
    ) -> Callable[[F], F]:
        """Declare a family of rows that end in their value.

        Also takes `type`, `opt_in` and `deprecated_since`.
        """
        return self._declare(
            "rows", name, text, stability, labels=tuple(labels.split()), sparse=tuple(sparse.split()), **more
        )

    def states(
        self, name: str, text: str, stability: str, *, labels: str, states: Sequence[str], **more: Any
    ) -> Callable[[F], F]:
        """Declare a family of rows that end in their current state.

        The last of the labels takes the state.
        """
        return self._declare(
            "states", name, text, stability, labels=tuple(labels.split()), states=tuple(states), **more
        )

    def mapping(
        self, name: str, text: str, stability: str, *, prefix: str, allowlist: str = "", **more: Any
    ) -> Callable[[F], F]:
        """Declare a family with a label for each Kubernetes key.

        A function that returns None writes no sample.
        """
        return self._declare("mapping", name, text, stability, prefix=prefix, allowlist=allowlist, **more)


class Part(Declarations):
    """A repeated part of an object with labels of its own, such as the containers of a pod."""

    def __init__(
        self,
        families: list[Family],
        items: Callable[[Any], Iterable[Any]],
        labels: Mapping[str, str],
        *,
        shared: Mapping[str, str] | None = None,
        viewed: bool = False,
    ) -> None:
        """Declare a part.

        Args:
            families: the list that families of the part are added to.
            items: takes an object, or its view if `viewed`, and returns the items.
            labels: label names -> dotted fields of an item.
            shared: further labels -> fields of the object; the same for all parts that have any.
            viewed: `items` needs the view of an object.
        """
        super().__init__(families, self, viewed=viewed)
        self.items = items
        self.labels = dict(labels)
        self.shared = dict(shared or {})

    @property
    def all_labels(self) -> list[str]:
        """Names of the labels that every series of the part has, besides those of the object."""
        return [*self.labels, *self.shared]


class Resource(Declarations):
    """An API resource and the metric families of its objects."""

    def __init__(
        self,
        api_version: str,
        plural: str,
        shape: type[Any] | Shape,
        *,
        labels: Mapping[str, str] | None,
        shared: Mapping[str, str] | None = None,
        kind: str = "",
        namespaced: bool = True,
        default: bool = True,
        reading: Reading = Reading.FULL,
        columns: Mapping[str, int] | None = None,
        view: Callable[[Any], Any] | None = None,
        varied: Mapping[str, str] | None = None,
        name: str = "",
        selectors: Mapping[str, str] | None = None,
        source: Callable[[], FamilySource] | None = None,
    ) -> None:
        """Declare a resource.

        Args:
            api_version: `v1` or group/version.
            plural: name in the API and in `--resources`.
            shape: parses objects: a thin message class, or another shape.
            labels: identity labels of an object: names -> dotted fields; a field without a dot is one of the metadata. None
                for families that bring all their labels.
            shared: labels of an object that series of its parts may have besides, with their fields.
            kind: kind in the API; by default the name of the message class.
            namespaced: objects live in namespaces.
            default: exported unless `--resources` says otherwise.
            reading: representation of the objects to request.
            columns: for Reading.TABLE: message fields -> positions of cells.
            view: takes a message and returns the object that functions of `viewed` families take; called once an object, and never
                to read a `varied` field.
            varied: fields in which most objects differ, by the name of their message, with blanks between them. If there are any,
                texts that are written without them are kept as templates, so functions must say the same of the same object.
            name: name here, if the plural alone is not enough; by default the plural.
            selectors: `labelSelector` and `fieldSelector` of the objects to request.
            source: makes the statements of families of the shape `source`.
        """
        super().__init__([], None)
        self.api_version = api_version
        self.plural = plural
        self.name = name or plural
        self.shape = MessageShape(shape) if isinstance(shape, type) else shape
        self.kind = kind or self.shape.name
        self.labels = dict(labels or {})
        self.shared = dict(shared or {})
        self.namespaced = namespaced
        self.default = default
        self.reading = reading
        self.columns = dict(columns or {})
        self.view = view
        self.varied = dict(varied or {})
        self.selectors = dict(selectors or {})
        self.source = source

    def common(self) -> Callable[[bytes], Any] | None:
        """Return what parses an encoded object as a message without `varied` fields; None if there are none."""
        shape = self.shape
        return (
            narrowed(shape.message, self.varied).FromString if self.varied and isinstance(shape, MessageShape) else None
        )

    @property
    def group(self) -> str:
        """The API group; "" for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def path(self) -> str:
        """The URL path that lists all objects: `/api/v1/pods`, `/apis/apps/v1/deployments`."""
        return f"/{'apis' if self.group else 'api'}/{self.api_version}/{self.plural}"

    @property
    def viewed(self) -> Declarations:
        """Decorators for families whose function takes the view of an object."""
        return Declarations(self.families, None, viewed=True)

    def part(
        self,
        items: Callable[[Any], Iterable[Any]],
        labels: Mapping[str, str],
        *,
        shared: bool = False,
        viewed: bool = False,
    ) -> Part:
        """Declare a repeated part of the objects, or of their views.

        Items that repeat an earlier item's labels are left out. With `shared`, series also have the labels of the object that its
        parts share.
        """
        return Part(self.families, items, labels, shared=self.shared if shared else {}, viewed=viewed)

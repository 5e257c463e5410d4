"""Thin messages declare the numbers and types of the Kubernetes API, whose facts are in simulator/fields.json.

A wrong number is silent on the wire: the field is never seen, and its family says "" or 0 for ever.
"""

import json
from collections.abc import Iterator
from importlib import import_module, resources
from pkgutil import iter_modules
from typing import Any, Final

import pytest
from google.protobuf.descriptor import FieldDescriptor

from ksm_shard.wire import messages

FACTS: Final[dict[str, dict[str, tuple[int, str]]]] = json.loads(
    resources.files("ksm_shard.simulator").joinpath("fields.json").read_text()
)
META: Final = "k8s.io.apimachinery.pkg.apis.meta.v1"
# Messages that are not called as the API's package and theirs: by their own full name.
CALLED: Final = {
    "meta_v1.Quantity": "k8s.io.apimachinery.pkg.api.resource.Quantity",
    "meta_v1.IntOrString": "k8s.io.apimachinery.pkg.util.intstr.IntOrString",
    "runtime.WatchEvent": f"{META}.WatchEvent",
    # Less of an object than its metadata have: what tells whose it is, and what ends a list.
    "runtime.Identity": f"{META}.PartialObjectMetadata",
    "runtime.IdentityMeta": f"{META}.ObjectMeta",
    "runtime.Bookmark": f"{META}.PartialObjectMetadata",
    "runtime.BookmarkMeta": f"{META}.ObjectMeta",
    # Any list: the test of lists says that all have those numbers.
    "runtime.RawList": f"{META}.PartialObjectMetadataList",
}
# Fields that are read with another type than the API's, which has the same encoding.
RAW: Final = {("runtime.RawList", "items"): "repeated bytes"}
SCALARS: Final = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
}


def full_name(thin: str) -> str:
    """Return what the API calls a message: core_v1.Pod -> k8s.io.api.core.v1.Pod."""
    package, _, name = thin.rpartition(".")
    if package == "meta_v1":
        package = META
    elif package == "runtime":
        package = "k8s.io.apimachinery.pkg.runtime"
    else:
        package = f"k8s.io.api.{package.replace('_', '.')}"
    return CALLED.get(thin, f"{package}.{name}")


def thin_name(descriptor: Any) -> str:
    """Return the name of a message within the project."""
    return str(descriptor.full_name).removeprefix("ksm_shard.")


def declared() -> Iterator[Any]:
    """Yield the descriptor of every message of every module, but the entries of maps, which are part of their field."""
    for module in iter_modules(messages.__path__):
        descriptor = import_module(f"{messages.__name__}.{module.name}").DESCRIPTOR
        waiting = list(descriptor.message_types_by_name.values())
        for message in waiting:
            waiting += message.nested_types
            if not message.GetOptions().map_entry:
                yield message


def type_of(field: Any) -> str:
    """Return the type of a field as the facts write it."""
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        return f"map<{type_of(kind.fields_by_name['key'])},{type_of(kind.fields_by_name['value'])}>"
    text = SCALARS[field.type] if kind is None else full_name(thin_name(kind))
    return f"repeated {text}" if field.is_repeated else text


def json_name(name: str) -> str:
    """Return the JSON name of a field, which a thin message has: some Go tags begin with a capital, one with aPI."""
    if name in {"Port", "Raw"}:
        return name
    return {"aPIGroup": "apiGroup"}.get(name, name[0].lower() + name[1:])


MESSAGES: Final = {thin_name(descriptor): descriptor for descriptor in declared()}


@pytest.mark.parametrize("thin", MESSAGES)
def test_fields_are_those_of_the_api(thin: str) -> None:
    """Every field has the number and the type that Kubernetes 1.36 gives it; a message that no fact is about fails."""
    full = full_name(thin)
    assert full in FACTS, (
        f"{full} is no message of a stable kind of Kubernetes 1.36. Is the package of the .proto file the API's group and version, "
        f"as storage_v1, and the message called as there? What is newer, python -m tools.fields brings."
    )
    facts = {json_name(name): (number, kind) for name, (number, kind) in FACTS[full].items()}

    fields = {field.name: (field.number, type_of(field)) for field in MESSAGES[thin].fields}

    expected = {name: facts.get(name, "no such field") for name in fields}
    for name in fields:
        if (thin, name) in RAW:
            expected[name] = (facts[name][0], RAW[thin, name])
    assert expected == fields


def test_every_module_of_messages_is_read() -> None:
    """No .proto file is passed over: each has a module, and its messages are among those above."""
    files = {
        path.name.removesuffix(".proto") for path in resources.files(messages).iterdir() if path.name.endswith(".proto")
    }

    packages = {thin.partition(".")[0] for thin in MESSAGES}
    assert files == packages, (
        "the package of storage_v1.proto is ksm_shard.storage_v1, and python -m tools makes its module"
    )


def test_exceptions_are_of_messages_that_exist() -> None:
    """A name that is gone leaves no exception behind."""
    assert CALLED.keys() <= MESSAGES.keys()
    assert {thin for thin, _ in RAW} <= MESSAGES.keys()


def test_every_list_has_its_metadata_first_and_then_its_items() -> None:
    """One envelope reads the lists of all kinds."""
    lists = {name: fields for name, fields in FACTS.items() if name.endswith("List") and "items" in fields}

    assert len(lists) >= 40
    assert {(1, 2)} == {(fields["metadata"][0], fields["items"][0]) for fields in lists.values()}


def test_every_object_has_its_metadata_first() -> None:
    """One envelope reads the uid of all kinds."""
    objects = [fields for fields in FACTS.values() if fields.get("metadata", (0, ""))[1] == f"{META}.ObjectMeta"]

    assert len(objects) >= 40
    assert {1} == {fields["metadata"][0] for fields in objects}

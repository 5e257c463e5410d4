"""Facts about the API's fields are read out of its generated.proto files; that they are Kubernetes' is not tried here."""

from pathlib import Path

from tools.fields import fields, text

API = """\
package k8s.io.api.node.v1;

import "k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto";

// Overhead of a pod.
message Overhead {
  map<string, .k8s.io.apimachinery.pkg.api.resource.Quantity> podFixed = 1;
}

message RuntimeClass {
  // +optional
  optional .k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta metadata = 1;

  // handler = 9;
  optional string handler = 2;

  repeated Overhead overhead = 3;
}

message RuntimeClassList {
  optional .k8s.io.apimachinery.pkg.apis.meta.v1.ListMeta metadata = 1;

  repeated RuntimeClass items = 2;
}

message Unused {
  optional bool unused = 1;
}
"""
QUANTITY = "package k8s.io.apimachinery.pkg.api.resource;\n\nmessage Quantity {\n  optional string string = 1;\n}\n"
NODE = "k8s.io.api.node.v1"


def test_kinds_come_with_all_that_they_are_made_of(tmp_path: Path) -> None:
    """Types have their full names, comments are no fields, and what no listed kind has is left out."""
    for folder, content in (("v1", API), ("v1beta1", API.replace(".v1;", ".v1beta1;", 1)), ("resource", QUANTITY)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "generated.proto").write_text(content)

    facts = fields([tmp_path])

    meta = "k8s.io.apimachinery.pkg.apis.meta.v1"
    assert {
        f"{NODE}.Overhead": {"podFixed": (1, "map<string,k8s.io.apimachinery.pkg.api.resource.Quantity>")},
        f"{NODE}.RuntimeClass": {
            "metadata": (1, f"{meta}.ObjectMeta"),
            "handler": (2, "string"),
            "overhead": (3, f"repeated {NODE}.Overhead"),
        },
        f"{NODE}.RuntimeClassList": {
            "metadata": (1, f"{meta}.ListMeta"),
            "items": (2, f"repeated {NODE}.RuntimeClass"),
        },
        "k8s.io.apimachinery.pkg.api.resource.Quantity": {"string": (1, "string")},
    } == facts


def test_the_file_has_a_line_for_each_message() -> None:
    """So that a difference reads well."""
    assert '{\n  "a": {"x":[1,"string"]},\n  "b": {}\n}\n' == text({"a": {"x": (1, "string")}, "b": {}})

"""What the tags of the API's Go types say is read out of their source; that it is Kubernetes' is not tried here."""

from pathlib import Path

from tools.tags import tags

TYPES = """\
type Handler struct {
	// nobody `json:"commented"`
	Kind string `json:"kind" protobuf:"bytes,1,opt,name=kind"`
}

type RuntimeClass struct {
	metav1.TypeMeta `json:",inline"`
	// Standard metadata.
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	Name     string   `json:"name" protobuf:"bytes,2,opt,name=name"`
	Hint     string   `json:"hint,omitempty" protobuf:"bytes,3,opt,name=hint"`
	Priority *int32   `json:"priority,omitempty" protobuf:"varint,4,opt,name=priority"`
	Hosts    []Host   `json:"hosts" patchStrategy:"merge,retainKeys" patchMergeKey:"ip" protobuf:"bytes,5,rep,name=hosts"`
	Handler  `json:",inline" protobuf:"bytes,6,opt,name=handler"`
}
"""
NAME = "k8s.io.api.node.v1.RuntimeClass"
FIELDS = {
    "metadata": (1, "ObjectMeta"),
    "name": (2, "string"),
    "hint": (3, "string"),
    "priority": (4, "int32"),
    "hosts": (5, "repeated k8s.io.api.node.v1.Host"),
    "handler": (6, "k8s.io.api.node.v1.Handler"),
}


def test_lists_merge_and_zeros_are_written_as_the_tags_say(tmp_path: Path) -> None:
    """A scalar is written though it is zero if it is a pointer or not omitted when empty; embedded structs add theirs."""
    (tmp_path / "generated.proto").write_text("package k8s.io.api.node.v1;\n")
    (tmp_path / "types.go").write_text(TYPES)
    (tmp_path / "zz_generated.deepcopy.go").write_text(TYPES.replace("Hint", "Name"))

    said = tags([tmp_path], {NAME: FIELDS, "k8s.io.api.node.v1.Handler": {"kind": (1, "string")}})

    assert {
        "k8s.io.api.node.v1.Handler": {"zeros": ["kind"]},
        NAME: {"merge": {"hosts": "merge,retainKeys:ip"}, "zeros": ["kind", "name", "priority"]},
    } == said

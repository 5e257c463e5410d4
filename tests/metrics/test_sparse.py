"""Families whose rows leave labels out. All other shapes are in the goldens of tests/kinds."""

from ksm_shard.metrics.compiler import compile_resource
from ksm_shard.metrics.families import ALPHA, Resource
from ksm_shard.wire.messages.meta_v1_pb2 import PartialObjectMetadata


def test_a_label_without_a_value_is_left_out() -> None:
    """None is no label where the family says so, "" is an empty one, and values are escaped."""
    things = Resource("v1", "things", PartialObjectMetadata, labels={"thing": "name"})
    things.info("kube_thing_info", "A thing.", ALPHA, labels="a b c", sparse="a b")(
        lambda thing: [(None, "x", ""), ("", None, "y"), ('"', "\\", "\n")]
    )
    things.rows("kube_thing_size", "Its size.", ALPHA, labels="a", sparse="a")(lambda thing: [(None, 0.5), ("x", 2)])
    compiled = compile_resource(things, things.families, failed=lambda *_: None, duplicated=lambda _: None)
    message = PartialObjectMetadata()
    message.metadata.name = "t"

    assert [
        (
            'kube_thing_info{thing="t",b="x",c=""} 1\n'
            'kube_thing_info{thing="t",a="",c="y"} 1\n'
            'kube_thing_info{thing="t",a="\\"",b="\\\\",c="\\n"} 1\n'
        ),
        'kube_thing_size{thing="t"} 0.5\nkube_thing_size{thing="t",a="x"} 2\n',
    ] == compiled.render(message)

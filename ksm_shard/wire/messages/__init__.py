"""Thin protobuf messages, which declare only the fields that some family reads.

The parser skips all other fields of an object.

The `*_pb2` modules are generated from the `.proto` files beside them: `python -m tools.messages`.
"""

"""Thin protobuf messages: only the fields that some family reads are declared, so the rest of an object costs a skip.

The `*_pb2` modules are generated from the `.proto` files beside them: `python -m tools.messages`.
"""

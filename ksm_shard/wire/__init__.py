"""The bytes of the Kubernetes API: envelopes, lists, watch frames and thin messages. No socket, clock or thread in here.

A room below all others, because the two that must agree on bytes, `cluster` and `simulator`, must not know each other.
"""

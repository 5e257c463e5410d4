"""The bytes of the Kubernetes API: envelopes, lists, watch frames, thin messages.

Contains no socket, clock or thread. `wire` lies below all other rooms because `cluster` and `simulator`, which must agree on the
bytes, must not import each other.
"""

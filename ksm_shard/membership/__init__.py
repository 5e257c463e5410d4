"""Membership of a fleet: watches the pod's own StatefulSet and its pods, and decides the slots this pod owns."""

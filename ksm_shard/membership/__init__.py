"""Membership of a fleet: decides the slots this pod owns."""

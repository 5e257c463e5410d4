"""The membership of a fleet: watches of the own StatefulSet and its pods, which decide what this pod owns."""

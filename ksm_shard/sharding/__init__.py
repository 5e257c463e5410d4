"""Sharding rules: uid -> slot -> shard, and the hand-over of slots when the fleet changes."""

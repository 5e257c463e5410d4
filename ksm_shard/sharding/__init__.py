"""Sharding rules: uid -> slot -> shard, and the hand-over of slots."""

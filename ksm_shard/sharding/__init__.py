"""Who owns which object: uid -> slot -> shard, and how ownership is handed over when the fleet changes."""

"""Commands, one file each; `ksm_shard.cli` calls the `main` of the named one."""

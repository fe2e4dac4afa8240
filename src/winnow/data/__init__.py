"""The contracts every stage reads and writes: shards, tables, metrics, and the way to disk."""

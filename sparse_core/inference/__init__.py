"""Running sparse layers: backends, compaction, plans. Imports torch."""

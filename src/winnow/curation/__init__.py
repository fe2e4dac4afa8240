"""From scores to subsets, and from subsets to datasets that others read."""

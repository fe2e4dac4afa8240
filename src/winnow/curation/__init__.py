"""From scores to subsets, and whether a subset leaks."""

"""From scores to subsets: selection, ratios by scene, near-duplicates, the leakage audit."""

"""The cache of outputs between runs: its entries, and how they come and go."""

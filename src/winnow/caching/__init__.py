"""The cache of outputs between runs: its entries, and the verb that looks after them."""

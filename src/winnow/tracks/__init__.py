"""The tracks of the benchmark: a package for each, and the registry that finds them."""

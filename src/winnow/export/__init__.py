"""Subsets as data sets that others read."""

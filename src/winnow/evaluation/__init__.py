"""One module a metric family, and the statistics."""

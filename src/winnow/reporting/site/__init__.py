"""The static site: `results/site/` opens from disk, reads nothing else and asks no network."""

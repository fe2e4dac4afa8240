"""The track `detection`: how well scorers find the known noise."""

"""The track `generation`: text-to-image models that learned from a subset."""

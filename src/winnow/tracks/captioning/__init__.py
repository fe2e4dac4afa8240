"""The track `captioning`: how good caption sets are."""

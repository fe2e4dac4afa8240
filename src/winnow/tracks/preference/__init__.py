"""The track `preference`: how well score models and their judge tell the better text."""

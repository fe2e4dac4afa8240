"""The track `segmentation`: what generated images add to real labels."""

"""Training on subsets: CLIP, generators, segmentors, score models; and that of the stand-ins."""

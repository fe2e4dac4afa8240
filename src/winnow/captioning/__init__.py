"""Captions for a pool: by rule, by multimodal models, merged, and by the dual loop."""

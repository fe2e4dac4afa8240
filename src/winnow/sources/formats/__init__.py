"""The kinds of sources, one file each.

Its SOURCE is a model of `sources.source`: the field `kind` names it in params.yaml, the others are
its settings, and `records` reads it.
"""

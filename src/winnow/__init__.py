"""Winnow: a reproducible benchmark of data curation for remote-sensing image-text data."""

__version__ = "0.1.0"

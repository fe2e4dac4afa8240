"""Scorers, and the streaming engine that runs them over a pool."""

"""Preference data: candidates, their rating by the truth or by a model, and pairs of them."""

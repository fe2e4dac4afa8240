"""Preference data: what several describe and answer, and which of it a judge prefers."""

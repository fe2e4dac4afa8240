"""The `winnow` command: its commands are described once, by the signatures of their functions."""

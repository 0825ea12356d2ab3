"""Runs: what they are prepared from, their directories, checkpoints and results."""

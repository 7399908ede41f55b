"""Measurements behind docs/results.md, each a command of its own."""

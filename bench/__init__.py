"""Measurements: what it costs, what it survives."""

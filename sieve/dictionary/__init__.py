"""Sparse dictionaries: `Sae` (what users load), gates, penalties, the variants (how one is trained) and the one training loop."""

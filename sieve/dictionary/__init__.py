"""Sparse dictionaries: `Sae` (what users load), gates, penalties, variants (how one is trained), one training loop."""

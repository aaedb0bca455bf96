"""Activations of a network at its sites: the extractor, shards on disk, and the order in which training reads them."""

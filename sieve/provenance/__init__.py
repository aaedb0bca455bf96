"""Bytes that can be trusted: canonical writers, digests, keyed randomness, outputs that appear whole.

Imports nothing of ours.
"""

from sieve.provenance.canonical import read_json, read_table, read_tensors, write_json, write_table, write_tensors
from sieve.provenance.digests import LineageError, digest_bytes, digest_file, digest_folder
from sieve.provenance.publish import publish
from sieve.provenance.randomness import generator, seed_for

__all__ = [
    "LineageError",
    "digest_bytes",
    "digest_file",
    "digest_folder",
    "generator",
    "publish",
    "read_json",
    "read_table",
    "read_tensors",
    "seed_for",
    "write_json",
    "write_table",
    "write_tensors",
]

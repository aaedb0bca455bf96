"""Bytes that can be trusted: canonical writers, digests, keyed randomness, outputs that appear whole.

Imports nothing of ours.
"""

from sieve.provenance.canonical import (
    read_json,
    read_table,
    read_tensors,
    to_json,
    write_json,
    write_table,
    write_tables,
    write_tensors,
)
from sieve.provenance.digests import (
    DamageError,
    LineageError,
    content_digest,
    digest_bytes,
    digest_file,
    digest_folder,
    digest_path,
    inside,
    require_digest,
)
from sieve.provenance.publish import link, publish
from sieve.provenance.randomness import generator, seed_for
from sieve.provenance.work import BusyError, Checkpoints, Work, lock, open_work, peak_memory

__all__ = [
    "BusyError",
    "Checkpoints",
    "DamageError",
    "LineageError",
    "Work",
    "content_digest",
    "digest_bytes",
    "digest_file",
    "digest_folder",
    "digest_path",
    "generator",
    "inside",
    "link",
    "lock",
    "open_work",
    "peak_memory",
    "publish",
    "read_json",
    "read_table",
    "read_tensors",
    "require_digest",
    "seed_for",
    "to_json",
    "write_json",
    "write_table",
    "write_tables",
    "write_tensors",
]

"""match: is the same found from another start? Dictionaries that differ in their seed alone, compared pair by pair.

    python -m stages.match --activations data/activations --out data/match/rows.parquet \\
        --subjects data/subjects/topk data/subjects/topk_1 …

Reads   base and orthogonalised dictionaries, activations of their sites (adaptation leaves atoms as they are)
Writes  rows.parquet: a figure of a pair a row; without names, what random atoms have in their place
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from sieve.activations.order import batch_rows
from sieve.activations.store import Store
from sieve.dictionary.sae import LineageError, Sae
from sieve.features.matching import chance, compare
from sieve.provenance import generator, publish, read_json, to_json, write_table
from stages._common import Input, Inputs, Output, Params, Progress, run

ALIKE = ("variant", "settings", "penalty", "weight")  # what a convention says of a dictionary besides its seed
CHOSEN = "chosen"  # the folder of the site that the patch ceiling chose
ALONE = "not applicable: no two dictionaries are alike but for their seed"


class Row(NamedTuple):
    """One figure (`Matching.figures`) of two dictionaries of a group, which goes by its first one's name.

    of: "atoms", "live atoms" or "codes". No first and no second: two dictionaries that know nothing. The one row of a
    table in which nothing is compared says so in its note.
    """

    group: str | None = None
    first: str | None = None
    second: str | None = None
    of: str | None = None
    metric: str | None = None
    value: float | None = None
    note: str = ""


ROWS = pa.schema([(name, pa.float64() if name == "value" else pa.string()) for name in Row._fields])


def main(params: Params, subjects: Inputs, activations: Input, out: Output) -> None:
    """The seed of the order draws cached rows, as in training; that of the start draws atoms that know nothing."""
    wanted, order, init = params.match.rows, params.seed.order, params.seed.init
    rows: list[Row] = []
    groups = [members for members in alike(subjects) if len(members) > 1]
    watch = Progress("matching", "group")
    for number, members in enumerate(groups, start=1):
        rows += compare_members(members, activations, wanted, order, init)
        watch(number, len(groups), {})
    listed = rows or [Row(note=ALONE)]
    with publish(out) as path:
        write_table(path, {name: [getattr(row, name) for row in listed] for name in ROWS.names}, ROWS)


def alike(folders: list[Path]) -> list[list[Path]]:
    """Dictionaries that are alike but for their seed, by seed; of one seed, which is one dictionary twice, the first.

    Alike are those of one site and shape whose conventions agree, whatever they are called; nobody knows the seed of
    one that was imported without a convention. Groups are in the order of their first members in `folders`.
    """
    found: dict[str, dict[int, Path]] = {}
    for folder in folders:
        sae, told = Sae.load(folder / "sae.safetensors"), folder / "convention.json"
        convention = read_json(told) if told.exists() else {}
        kind = [*(convention.get(name) for name in ALIKE), sae.site, sae.model, *sae.W_dec.shape]
        found.setdefault(to_json(kind), {}).setdefault(convention.get("seed", 0), folder)
    return [[members[seed] for seed in sorted(members)] for members in found.values()]


def compare_members(members: list[Path], activations: Path, wanted: int, order: int, init: int) -> Iterator[Row]:
    """Every figure of every pair of a group, then of two dictionaries that know nothing."""
    saes = {folder.name: Sae.load(folder / "sae.safetensors") for folder in members}
    group, like = next(iter(saes.items()))
    own = activations / like.site
    store = Store.open(own if own.is_dir() else activations / CHOSEN)
    if store.site != like.site:
        raise LineageError(f"{group} was trained at {like.site}, which {activations} does not hold; capture that site")
    x = store.take(batch_rows(0, store.rows, min(wanted, store.rows), order))
    pairs: list[tuple[str | None, str | None, Sae, Sae]] = [
        (first, second, saes[first], saes[second]) for first, second in combinations(saes, 2)
    ]
    blind = [chance(like, x, generator(init, "match", number)) for number in range(2)]
    for first, second, one, other in [*pairs, (None, None, blind[0], blind[1])]:
        for of, found in compare(one, other, x).items():
            for metric, value in found.figures().items():
                yield Row(group, first, second, of, metric, value)


if __name__ == "__main__":
    run(main)

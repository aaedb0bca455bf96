"""ceiling: where a concept can be turned at all, before anything is trained; so where to train and where to look.

    python -m stages.ceiling --network data/model/network --tokenizer data/model/tokenizer --blocks … \\
        --rows data/ceiling/rows.parquet --place data/ceiling/place.json --site data/ceiling/site.json

Reads   the model, blocks (values are those of the training split, pairs are of the validation split)
Writes  rows.parquet (the patch ceiling of every concept, site of a kind and position), place.json (the concept that is
        to be turned and its place: site and position), site.json (the site alone, all that activations are captured by)
"""

from __future__ import annotations

from dataclasses import asdict

import pyarrow as pa

from sieve.features.ceiling import Ceiling, asked, ceilings, mentioned, place_of
from sieve.features.concepts import values_of
from sieve.features.counterfactual import told
from sieve.model.language_model import open_model
from sieve.model.sites import KINDS, parse_site, site_width
from sieve.provenance import write_json, write_table
from sieve.text.blocks import load_blocks
from stages._common import Input, Output, Params, Progress, publish, run

ROWS = pa.schema(
    [(name, pa.string()) for name in ("concept", "site", "position")]
    + [(name, pa.float64()) for name in ("success", "low", "high")]
    + [("n", pa.int64()), ("note", pa.string())]
)


def main(
    params: Params, network: Input, tokenizer: Input, blocks: Input, rows: Output, place: Output, site: Output
) -> None:
    """`pairs` of the concept that is to be turned, `other_pairs` of every other that is mentioned."""
    p = params.ceiling
    lm, read = open_model(network, tokenizer), load_blocks(blocks)
    kind = p.site if p.site in KINDS else parse_site(p.site).kind
    if kind != p.site:
        site_width(lm.network, p.site)  # refuses what the network does not have
    values_of(told(read, "train"), p.concept)  # refuses a concept that nothing marks, before hours of training
    others = [name for name in mentioned(read, "valid") if name != p.concept] if p.other_pairs else []
    counts = {p.concept: p.pairs} if p.pairs else {}
    counts |= dict.fromkeys(others, p.other_pairs)
    found = {name: asked(lm, read, name, "valid", count) for name, count in counts.items()}
    measured = ceilings(lm, found, kind, p.new_tokens, p.batch, Progress("patching", "trial"))
    chosen, ceiling = place_of(measured, p.concept, p.site, p.position)
    height = f"{ceiling.success:.2f} of {ceiling.n} pairs" if ceiling else "not measured"
    print(f"'{p.concept}' is to be turned at {chosen.site}, {chosen.position}; patch ceiling: {height}", flush=True)
    with publish(rows) as path:
        write_table(path, columns(measured), ROWS)
    with publish(place) as path:
        chosen.save(path)
    with publish(site) as path:
        write_json(path, {"site": chosen.site})


def columns(measured: list[Ceiling]) -> dict[str, list[object]]:
    """What `write_table` takes."""
    return {name: [asdict(row)[name] for row in measured] for name in ROWS.names}


if __name__ == "__main__":
    run(main)

"""train: one base dictionary on one site's activations.

    python -m stages.train --subject topk --activations data/activations/resid_post_0 \\
        --out data/subjects/topk --history data/history/topk.parquet

Reads   one site's activations
Writes  sae.safetensors (takes raw activations), convention.json (how it was trained), the training curve
"""

from __future__ import annotations

from sieve.activations.background import ahead
from sieve.activations.order import batch_rows
from sieve.activations.store import Store
from sieve.dictionary.fit import FitConfig, fit
from sieve.dictionary.variants import variant
from sieve.provenance import Checkpoints, Work, generator, write_json
from stages._common import Input, Output, Params, Progress, publish, run, write_history
from stages._params import settings

START_ROWS = 8192  # rows from which a variant takes its starting point


def main(params: Params, work: Work, subject: str, activations: Input, out: Output, history: Output) -> None:
    """Rows are scaled to unit variance for training; the scale is folded back in before the Sae is written."""
    p = params.train.subjects[subject]
    config = settings(FitConfig, params.train.fit, "train.fit")
    module = variant(p.variant)
    own = settings(module.Settings, p.settings, f"train.subjects.{subject}.settings")
    if getattr(own, "k", 0) > p.latents:
        raise ValueError(
            f"train.subjects.{subject}: k is {own.k}, but there are only {p.latents} latents; lower k or raise latents"
        )
    store, order = Store.open(activations), params.seed.order + p.seed

    start = store.take(batch_rows(0, store.rows, min(START_ROWS, store.rows), order)) * store.scale
    trained = module.Variant(own, p.latents, start, generator(params.seed.init + p.seed, "train", "atoms"))
    with ahead(lambda step: store.take(batch_rows(step, store.rows, config.batch, order)), config.steps) as rows_at:
        curve = fit(
            trained,
            lambda step: rows_at(step) * store.scale,
            config,
            Progress(f"training {subject}"),
            Checkpoints(work),
        )

    with publish(out) as folder:
        trained.freeze(store.site, store.model).rescaled(1 / store.scale).save(folder / "sae.safetensors")
        how = {"scale": store.scale, "seed": p.seed, "settings": p.settings, "variant": p.variant}
        write_json(folder / "convention.json", how)
    write_history(history, "train", curve)


if __name__ == "__main__":
    run(main)

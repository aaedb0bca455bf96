"""orthogonalize: pull a trained dictionary's atoms apart (weight 0: the same training without the penalty).

    python -m stages.orthogonalize --subject cosine_5 --sae data/subjects/topk \\
        --activations data/activations/resid_post_0 --out data/subjects/cosine_5 --history …

Reads   a base dictionary, its site's activations
Writes  sae.safetensors, convention.json, the training curve
"""

from __future__ import annotations

from sieve.activations.background import ahead
from sieve.activations.order import batch_rows
from sieve.activations.store import Store
from sieve.dictionary.fit import FitConfig, fit
from sieve.dictionary.orthogonalize import Orthogonalizer
from sieve.dictionary.sae import LineageError, Sae
from sieve.provenance import Checkpoints, Work, read_json, write_json
from stages._common import Input, Output, Params, Progress, publish, run, write_history
from stages._params import settings


def main(
    params: Params, work: Work, subject: str, sae: Input, activations: Input, out: Output, history: Output
) -> None:
    """Training happens at the scale at which the base dictionary was trained."""
    p = params.orthogonalize.subjects[subject]
    config = settings(FitConfig, params.orthogonalize.fit, "orthogonalize.fit")
    base, convention = Sae.load(sae / "sae.safetensors"), read_json(sae / "convention.json")
    store, order, scale = Store.open(activations), params.seed.order, convention["scale"]
    base.require(store.width, store.model)
    if base.site != store.site:
        raise LineageError(
            f"{sae} was trained at {base.site}, but {activations} holds activations of {store.site}; "
            "give those of its own site"
        )

    trained = Orthogonalizer(base.rescaled(scale), p.weight, p.penalty)
    with ahead(lambda step: store.take(batch_rows(step, store.rows, config.batch, order)), config.steps) as rows_at:
        curve = fit(
            trained,
            lambda step: rows_at(step) * scale,
            config,
            Progress(f"orthogonalizing {subject}"),
            Checkpoints(work),
        )

    with publish(out) as folder:
        trained.freeze(store.site, store.model).rescaled(1 / scale).save(folder / "sae.safetensors")
        write_json(folder / "convention.json", convention | {"penalty": p.penalty, "weight": p.weight})
    write_history(history, "orthogonalize", curve)


if __name__ == "__main__":
    run(main)

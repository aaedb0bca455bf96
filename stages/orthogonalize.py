"""orthogonalize: pull a trained dictionary's atoms apart (weight 0: the same training without the penalty).

    python -m stages.orthogonalize --subject cosine_5 --sae data/subjects/topk \\
        --activations data/activations/resid_post_0 --out data/subjects/cosine_5 --history …

Reads   a base dictionary, its site's activations
Writes  sae.safetensors, convention.json (how it was pulled, the published λ if there is one), the training curve
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
    """Training happens at the scale at which the base dictionary was trained.

    The seed of the order, with the base dictionary's own, decides which columns a step draws too: like rows, they are
    what it gets to see, and from one start every weight sees the same.
    """
    own, p = params.orthogonalize, params.orthogonalize.subjects[subject]
    config = settings(FitConfig, own.fit, "orthogonalize.fit")
    base, convention = Sae.load(sae / "sae.safetensors"), read_json(sae / "convention.json")
    store, order, scale = Store.open(activations), params.seed.order + convention.get("seed", 0), convention["scale"]
    base.require(store.width, store.model)
    if base.site != store.site:
        raise LineageError(
            f"{sae} was trained at {base.site}, but {activations} holds activations of {store.site}; "
            "give those of its own site"
        )

    trained = Orthogonalizer(
        base.rescaled(scale), p.weight, p.penalty, own.columns, order, own.reconstruction, own.norms
    )
    how = trained.convention
    units = f"weight {p.weight:g}" + (
        f", the paper's lambda {how['paper_lambda']:.3g}" if "paper_lambda" in how else ""
    )
    with ahead(lambda step: store.take(batch_rows(step, store.rows, config.batch, order)), config.steps) as rows_at:
        curve = fit(
            trained,
            lambda step: rows_at(step) * scale,
            config,
            Progress(f"orthogonalizing {subject} ({units})"),
            Checkpoints(work),
        )

    with publish(out) as folder:
        trained.freeze(store.site, store.model).rescaled(1 / scale).save(folder / "sae.safetensors")
        write_json(folder / "convention.json", convention | how)
    write_history(history, "orthogonalize", curve)


if __name__ == "__main__":
    run(main)

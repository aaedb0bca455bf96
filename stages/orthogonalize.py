"""orthogonalize: pull a trained dictionary's atoms apart (weight 0: the same training without the penalty).

    python -m stages.orthogonalize --subject cosine_5 --sae data/subjects/topk \\
        --activations data/activations/resid_post_0 --out data/subjects/cosine_5 --history …

Reads   a base dictionary and, if it was not imported, its convention.json; its site's activations
Writes  sae.safetensors, convention.json (how it was pulled, the published λ if there is one), the training curve
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sieve.activations.background import ahead
from sieve.activations.order import batch_rows
from sieve.activations.store import Store
from sieve.dictionary.fit import FitConfig, fit
from sieve.dictionary.orthogonalize import Orthogonalizer, master
from sieve.dictionary.sae import LineageError, Sae
from sieve.dictionary.sparsity import adopted
from sieve.provenance import Checkpoints, Work, read_json, write_json
from stages._common import Input, Output, Params, Progress, publish, run, write_history
from stages._params import settings

L0_ROWS = 8192  # rows on which the L0 that is held is measured


def main(
    params: Params, work: Work, subject: str, sae: Input, activations: Input, out: Output, history: Output
) -> None:
    """Training happens at the scale at which the base dictionary was trained, and as it was trained, at its L0.

    The seed of the order, with the base dictionary's own, decides which columns a step draws too: like rows, they are
    what it gets to see, and from one start every weight sees the same.
    """
    own, p = params.orthogonalize, params.orthogonalize.subjects[subject]
    config = settings(FitConfig, own.fit, "orthogonalize.fit")
    store = Store.open(activations)
    base, convention = _load(sae, store)
    order, scale = params.seed.order + convention.get("seed", 0), convention["scale"]
    seen = store.take(batch_rows(0, store.rows, min(L0_ROWS, store.rows), order)) * scale

    trained = Orthogonalizer(
        base, p.weight, p.penalty, own.columns, order, own.reconstruction, own.norms, seen, convention
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
            Progress(f"orthogonalizing {subject} ({units}, as {convention['variant']} with an L0 of {how['l0']:.3g})"),
            Checkpoints(work),
        )

    with publish(out) as folder:
        trained.freeze(store.site, store.model).rescaled(1 / scale).save(folder / "sae.safetensors")
        write_json(folder / "convention.json", convention | how)
    write_history(history, "orthogonalize", curve)


def _load(folder: Path, store: Store) -> tuple[Sae, dict[str, Any]]:
    """The dictionary of these activations at the scale of its training, and its convention.

    An imported one has none beside it. It gets the scale of rows with unit variance and what its gate suggests, see
    `sieve.dictionary.sparsity.assumed`.
    """
    sae = master(Sae.load(folder / "sae.safetensors"))
    sae.require(store.width, store.model)
    if sae.site != store.site:
        raise LineageError(
            f"{folder} was trained at {sae.site}, but the activations given are of {store.site}; "
            "give those of its own site"
        )
    if not (folder / "convention.json").exists():
        sae, convention = adopted(sae.rescaled(store.scale))
        return sae, {"scale": store.scale} | convention
    convention = read_json(folder / "convention.json")
    return sae.rescaled(convention["scale"]), convention


if __name__ == "__main__":
    run(main)

"""adapt: let the language model get used to a dictionary's reconstruction; the decoder stays as it is, to the bit.

    python -m stages.adapt --sae data/subjects/cosine_5 --network … --tokenizer … --blocks … \\
        --out data/subjects/adapted_5 --history …

Reads   a dictionary and, if it was not imported, its convention.json; the model; training problems (loss: solutions)
        or training text (loss: divergence)
Writes  sae.safetensors (encoder and biases trained, unless frozen too), adapter.safetensors (LoRA), the training curve
"""

from __future__ import annotations

from dataclasses import replace

from sieve.dictionary.adapt import Adaptation, AdaptConfig, adapt, divergence_loss, solution_loss
from sieve.dictionary.sae import Sae
from sieve.model.adapter import inject, save_adapter
from sieve.model.language_model import open_model
from sieve.model.sites import site_width
from sieve.provenance import Checkpoints, Work, read_json, seed_for, write_json
from sieve.text.blocks import load_blocks
from stages._common import Input, Output, Params, Progress, publish, run, write_history
from stages._params import settings

LOSSES = {"solutions": ("problem", solution_loss), "divergence": ("text", divergence_loss)}


def main(
    params: Params,
    work: Work,
    sae: Input,
    network: Input,
    tokenizer: Input,
    blocks: Input,
    out: Output,
    history: Output,
) -> None:
    """The batches and the adapter's start depend on the seeds only, the base dictionary's own among them.

    So subjects of one base differ in their dictionary alone.
    """
    p, config = params.adapt, settings(AdaptConfig, params.adapt.fit, "adapt.fit")
    kind, loss = LOSSES[p.loss]
    lm, base = open_model(network, tokenizer), Sae.load(sae / "sae.safetensors")
    base.require(site_width(lm.network, base.site), lm.digest)
    train = [b for b in load_blocks(blocks) if b.split == "train" and b.kind == kind]
    if not train:
        raise ValueError(
            f"adapt.loss is '{p.loss}', which needs training {kind}s, and there are none; choose the other loss"
        )

    beside = sae / "convention.json"  # an imported dictionary has none
    convention = read_json(beside) if beside.exists() else {}
    own = convention.get("seed", 0)
    seed = seed_for(params.seed.init + own, "adapt", "lora")
    lora = inject(lm.network, base.site, config.targets, config.rank, config.alpha, config.scope, seed)
    adaptation = Adaptation(lm, replace(base, specials=p.specials == "replace"), loss, p.freeze)
    watch = Progress(f"adapting to {sae.name}")
    curve = adapt(adaptation, train, config, params.seed.order + own, watch, Checkpoints(work))

    with publish(out) as folder:
        adapted = adaptation.current.detached()
        adapted.save(folder / "sae.safetensors")
        save_adapter(folder / "adapter.safetensors", lm.network, lora, lm.digest, base.site, adapted.digest)
        write_json(folder / "convention.json", convention | {"adapted": p.loss, "freeze": p.freeze})
    write_history(history, "adapt", curve)


if __name__ == "__main__":
    run(main)

"""What a model can do: held-out loss, problems solved, names copied."""

import math

import torch

from sieve.model.generate import continue_text
from sieve.model.skill import held_out_loss, solve


def test_loss_is_the_mean_over_text_tokens(lm, blocks):
    """The held-out loss is the mean surprise of each text token given its document's beginning, for any batching."""
    sequences = [[*b.ids, lm.tokenizer.eos_token_id] for b in blocks[:40:8]]
    surprises = []
    for sequence in sequences:
        with torch.no_grad():
            logits = lm.network(input_ids=torch.tensor([sequence])).logits[0].double().log_softmax(-1)
        surprises += [-logits[i - 1, t].item() for i, t in enumerate(sequence) if i and lm.is_text(torch.tensor(t))]
    wanted = sum(surprises) / len(surprises)

    for batch in (1, 2, 10):
        assert math.isclose(held_out_loss(lm, sequences, batch), wanted, rel_tol=1e-5)


def test_solving_reads_each_prompts_own_continuation(lm, problems):
    """What the greedy continuation says is what is judged, prompt by prompt, for any batching."""
    prompts = [p["prompt"] for p in problems[:5]]
    texts = continue_text(lm, prompts, 12)
    words = [next((w for w in text.split() if w.isalpha()), "?") for text in texts]
    wrong = ["Nobody"] * 5

    for batch in (2, 5):
        assert solve(lm, lm.encode(prompts), ["none"] * 5, wrong, 12, batch) == ([False] * 5, [False] * 5)
        copied = solve(lm, lm.encode(prompts), ["none"] * 5, words, 12, batch)[1]
        assert copied == [w != "?" and w in t for w, t in zip(words, texts)]

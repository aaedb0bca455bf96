"""What a model can do: bits per byte, problems solved, names copied, the language kept."""

import math

import torch

from sieve.model import skill
from sieve.model.generate import continue_ids, continue_text
from sieve.model.skill import bits_per_byte, cross_entropy, languages_kept, solve


def test_loss_is_the_mean_over_text_tokens(lm, blocks):
    """The cross-entropy is the sum of each text token's surprise given its document's beginning, for any batching."""
    sequences = [[*b.ids, lm.tokenizer.eos_token_id] for b in blocks[:40:8]]
    surprises = []
    for sequence in sequences:
        with torch.no_grad():
            logits = lm.network(input_ids=torch.tensor([sequence])).logits[0].double().log_softmax(-1)
        surprises += [-logits[i - 1, t].item() for i, t in enumerate(sequence) if i and lm.is_text(torch.tensor(t))]
    for batch in (1, 2, 10):
        nats, tokens = cross_entropy(lm, sequences, batch)
        assert tokens == len(surprises)
        assert math.isclose(nats, sum(surprises), rel_tol=1e-5)


def test_long_texts_go_in_smaller_batches(lm, blocks, monkeypatch):
    """However many texts may go together, no pass makes more logits than the limit; the sum stays what it was."""
    sequences, seen = [list(b.ids) for b in blocks[:12]], []
    nats, tokens = cross_entropy(lm, sequences, 12)
    limit = 3 * max(map(len, sequences)) * lm.network.config.vocab_size
    monkeypatch.setattr(skill, "LOGITS", limit)
    handle = lm.network.register_forward_hook(lambda _module, _args, output: seen.append(output.logits.numel()))
    try:
        found = cross_entropy(lm, sequences, 12)
    finally:
        handle.remove()
    assert len(seen) == 4 and max(seen) <= limit
    assert found[1] == tokens and math.isclose(found[0], nats, rel_tol=1e-5)


def test_bits_are_counted_by_the_bytes_of_the_text(lm, documents):
    """Bits per byte are the cross-entropy in bits by the UTF-8 bytes of the texts, whatever their script."""
    texts = [row["text"] for row in documents[:8]]
    nats, _ = cross_entropy(lm, lm.encode(texts), 3)
    size = sum(len(text.encode("utf-8")) for text in texts)
    assert math.isclose(bits_per_byte(lm, texts, 5), nats / math.log(2) / size, rel_tol=1e-5)


def test_a_language_is_kept_when_the_judge_says_so(lm, documents):
    """Every continuation is judged on its own, against the language of its own prompt."""
    prompts = [("xx" if i % 2 else "yy", row["text"]) for i, row in enumerate(documents[:6])]
    heard = []

    def judge(text):
        heard.append(text)
        return "xx" if len(heard) <= 4 else "yy"

    assert languages_kept(lm, prompts, judge, 5, 4, 4) == [False, True, False, True, True, False]
    begun = [ids[:5] for ids in lm.encode([text for _, text in prompts])]
    assert heard == [lm.tokenizer.decode(continue_ids(lm, [ids], 4)[0]) for ids in begun]


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

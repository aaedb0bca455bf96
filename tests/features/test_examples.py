"""Where a latent is strongest."""

import pytest

from sieve.features.examples import top_examples


def peaks(subject, blocks, latent):
    """The largest activation in each document, read one by one."""
    return [float(subject.read(*subject.lm.pad([list(b.ids)])).z[:, latent].max()) for b in blocks]


def test_the_strongest_documents_come_first(subject, blocks):
    """Ranks follow the documents' largest activations, as found by reading them one by one."""
    for latent in (3, 40):
        strength = dict(zip((b.doc for b in blocks), peaks(subject, blocks, latent)))
        shown = [e for e in top_examples(subject, blocks, [40, 3], 4, batch=5) if e.latent == latent]
        best = sorted(strength.values(), reverse=True)[:4]
        assert [e.rank for e in shown] == [0, 1, 2, 3]
        assert [strength[e.doc] for e in shown] == pytest.approx(best, rel=1e-5)
        assert [max(e.activations) for e in shown] == pytest.approx(best, rel=1e-5)


def test_tokens_and_activations_line_up(subject, blocks):
    """One activation per shown token, and the tokens together are the document's text."""
    english = [b for b in blocks if b.language == "en"]
    for example in top_examples(subject, english, [7], 3, batch=8):
        block = next(b for b in english if b.doc == example.doc)
        assert len(example.tokens) == len(example.activations)
        assert "".join(example.tokens) == subject.lm.tokenizer.decode(list(block.ids), skip_special_tokens=True)


def test_documents_in_which_it_is_silent_are_not_shown(subject, blocks):
    """Asked for more documents than the latent fires in, only those in which it fires come back."""
    short = [b for b in blocks if b.kind == "text"][:6]
    for latent in range(64):
        shown = top_examples(subject, short, [latent], 99, batch=4)
        assert len(shown) == sum(p > 0 for p in peaks(subject, short, latent))
        assert all(max(e.activations) > 0 for e in shown)

"""Training the small model: packing changes nothing but the speed, and the seed decides every bit."""

from collections import Counter
from dataclasses import replace
from itertools import islice

import pytest
import torch

from sieve.model.packing import Packed, draw, mixture, pack
from sieve.model.pretrain import new_network, pretrain, save_tokenizer, train_tokenizer
from tests.conftest import SIZES

CONTEXT = 64
SMALL = replace(SIZES, layers=1, hidden=16, mlp=24, context=CONTEXT, tokens=3000, batch_tokens=2 * CONTEXT, lr=1e-2)


@pytest.fixture(scope="module")
def sequences(lm, blocks):
    """Documents as pretraining sees them: BOS first, EOS last, of different lengths."""
    return [[*b.ids[: 3 + (7 * i) % 40], lm.tokenizer.eos_token_id] for i, b in enumerate(blocks)]


@pytest.fixture(scope="module")
def packed(lm, sequences):
    """Three rows of documents side by side, the last with much room left."""
    rows = [[0, 1, 2], [3, 4], [5]]
    return rows, Packed.of([[sequences[i] for i in row] for row in rows], CONTEXT + 60, lm.pad_id)


def places(rows, sequences):
    """(row, start, end, document) of each packed document."""
    for r, row in enumerate(rows):
        start = 0
        for i in row:
            yield r, start, start + len(sequences[i]), sequences[i]
            start += len(sequences[i])


def test_a_packed_document_is_as_if_alone(lm, sequences, packed):
    """A packed forward gives every document the logits that it has alone."""
    rows, p = packed
    with torch.no_grad():
        logits = lm.network(input_ids=p.ids, attention_mask=p.mask, position_ids=p.positions, use_cache=False).logits
        for r, start, end, document in places(rows, sequences):
            alone = lm.network(input_ids=torch.tensor([document])).logits[0]
            torch.testing.assert_close(logits[r, start:end], alone, rtol=1e-4, atol=1e-4)


def test_targets_never_cross_documents(sequences, packed):
    """Each token's target is its own document's next token; a document's last token and padding have none."""
    rows, p = packed
    wanted = torch.full_like(p.targets, -100)
    for r, start, end, document in places(rows, sequences):
        wanted[r, start : end - 1] = torch.tensor(document[1:])

    assert torch.equal(p.targets, wanted)


def test_positions_start_anew(sequences, packed):
    """Each document's positions count from 0, as if it stood alone."""
    rows, p = packed
    for r, start, end, _ in places(rows, sequences):
        assert p.positions[r, start:end].tolist() == list(range(end - start))


def test_packed_tokens_are_counted(sequences, packed):
    """`tokens` counts the documents' tokens, without padding."""
    rows, p = packed

    assert p.tokens == sum(len(sequences[i]) for row in rows for i in row)


def drawn(lengths, groups, shares, number, seed=0):
    """The first documents of the endless stream."""
    return list(islice(draw(groups, shares, lengths, seed), number))


def test_every_document_comes_once_an_epoch():
    """Each epoch is another order of the same documents, decided by the seed."""
    first, second = (drawn([5] * 40, [range(40)], [1.0], 80)[part] for part in (slice(40), slice(40, None)))

    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second
    assert drawn([5] * 40, [range(40)], [1.0], 40) == first != drawn([5] * 40, [range(40)], [1.0], 40, seed=1)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_a_group_gets_its_share_of_the_tokens(share):
    """However long and many a group's documents are, its share of the tokens is right at every moment."""
    lengths = [11] * 30 + [3] * 200
    for number in (100, 1000):
        stream = drawn(lengths, [range(30), range(30, 230)], [1 - share, share], number)
        of_second = sum(lengths[i] for i in stream if i >= 30)
        assert abs(of_second - share * sum(lengths[i] for i in stream)) <= 11


def test_packed_rows_are_nearly_full():
    """Rows hold what was drawn, in at most `context` tokens, and little room is left."""
    lengths = [5 + (7 * i) % 40 for i in range(600)]
    rows = list(islice(pack(draw([range(600)], [1.0], lengths, 0), lengths, CONTEXT), 300))
    filled = [sum(lengths[i] for i in row) for row in rows]

    assert max(filled) <= CONTEXT and sum(filled) > 0.95 * len(rows) * CONTEXT
    seen = Counter(i for row in rows for i in row)
    assert len(seen) > 580 and max(seen.values()) <= 2


def test_a_document_as_long_as_the_context_fills_a_row():
    """Documents that leave no room get a row each, and no row is empty."""
    rows = list(islice(pack(draw([range(3)], [1.0], [8, 8, 8], 0), [8, 8, 8], 8), 30))
    assert Counter(i for row in rows for i in row).total() == 30 and all(len(row) == 1 for row in rows)


def trained(lm, sequences, init: int = 0, order: int = 0, config=SMALL):
    """(network, losses, last report) of a short training run."""
    network, losses, reports = new_network(config, lm.tokenizer, init), [], []
    pretrain({"en": sequences}, [], network, lm.pad_id, config, order, lambda *report: reports.append(report))
    losses = [figures["loss"] for _, _, figures in reports]
    return network, losses, reports[-1]


def same(a, b) -> bool:
    """Whether two networks have the same bits."""
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_the_seed_decides_every_bit(lm, sequences):
    """Two runs with the same seeds give the same bits, wherever torch's own stream stands; other seeds give others."""
    first, losses, _ = trained(lm, sequences)
    torch.randn(3)

    assert same(first, trained(lm, sequences)[0])
    assert not same(first, trained(lm, sequences, init=1)[0])
    assert not same(first, trained(lm, sequences, order=1)[0])
    assert losses[-1] < 0.9 * losses[0]


def test_a_trained_network_is_at_rest(lm, sequences):
    """Training stops at the budget and leaves the network in evaluation mode without gradients."""
    network, _, (done, wanted, _) = trained(lm, sequences, config=replace(SMALL, tokens=200))

    assert done == wanted == 200
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_no_tokens_leave_the_network_as_it_was_initialised(lm, sequences):
    """With a budget of 0 nothing is trained and nothing reported; the network is at rest all the same."""
    network, config = new_network(replace(SMALL, tokens=0), lm.tokenizer, 0), replace(SMALL, tokens=0)
    pretrain({"en": sequences}, [], network, lm.pad_id, config, 0, lambda *_: pytest.fail("a step was taken"))

    assert same(network, new_network(SMALL, lm.tokenizer, 0))
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_a_network_is_made_without_touching_the_global_stream(lm):
    """A new network depends on its seed alone and leaves torch's own stream where it was."""
    state = torch.random.get_rng_state()
    first = new_network(SMALL, lm.tokenizer, 5)

    assert torch.equal(torch.random.get_rng_state(), state)
    torch.randn(3)
    assert same(first, new_network(SMALL, lm.tokenizer, 5))


def test_a_tokenizer_is_the_same_bytes(documents, tmp_path):
    """Training and saving a tokenizer twice on the same texts gives the same bytes."""
    texts = [r["text"] for r in documents]
    for name in ("a", "b"):
        save_tokenizer(tmp_path / name, train_tokenizer(texts, 350))

    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_tokenizer_loses_nothing(lm):
    """Any text comes back from its ids, the letters of four languages and unseen signs included, after one BOS."""
    texts = ["Anna isst 3 Äpfel.", "El niño  comió", "Мама мыла раму", "日本 🙂\n\ttabs", "a , b .c 'd' do n't"]
    for text in texts:
        [ids] = lm.encode([text])
        assert ids[0] == lm.tokenizer.bos_token_id
        assert lm.tokenizer.bos_token_id not in ids[1:]
        assert lm.tokenizer.decode(ids[1:]) == text


def test_digits_stand_alone(lm):
    """A number is one token per digit, so that no number is a word of its own."""
    [ids] = lm.encode(["12345"])

    assert [lm.tokenizer.decode([i]) for i in ids[1:]] == list("12345")
    assert len(lm.tokenizer) == SIZES.vocabulary


def test_scarce_languages_are_seen_more_often_than_they_occur():
    """Shares go by tokens to a power: 1 leaves them as they are, 0 makes them equal; problems have their own."""
    texts = {"tr": [[1] * 10], "de": [[1] * 60, [1] * 30], "none": []}
    for alpha in (0.0, 0.3, 1.0):
        share = mixture(texts, [[1] * 5], 0.25, alpha)
        assert sum(share.values()) == pytest.approx(1) and share["problems"] == 0.25 and "none" not in share
        assert share["de"] / share["tr"] == pytest.approx(9**alpha)
    assert mixture(texts, [], 0.25, 1.0) == {"de": 0.9, "tr": 0.1, "problems": 0.0}
    assert mixture({}, [[1]], 0.25, 1.0) == {"problems": 1.0}

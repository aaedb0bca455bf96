"""Exchanging features: the truth table on a dictionary written by hand, and what it does to a running model."""

import math
from dataclasses import replace

import pytest
import torch

from sieve.dictionary.gates import Threshold
from sieve.dictionary.sae import LineageError, Sae
from sieve.interventions.swap import (
    NOTHING,
    Feature,
    Strength,
    counted,
    drop,
    exchange,
    fires,
    insert,
    stands,
    swap,
    swap_vector,
)
from sieve.model.generate import continue_ids
from sieve.model.sites import observe
from tests.planted import NAMES, planted_case

LENGTHS = (1.0, 2.0, 4.0, 0.5, 1.0)
DROP = Feature("a", (0, 1), (1.0, 1.0))
INCLUDE = Feature("b", (2, 3), (5.0, 7.0))


@pytest.fixture
def by_hand():
    """Five latents that read an axis each and write LENGTHS times as much: x̂ = LENGTHS · x for x ≥ 0."""
    axes, bias = torch.eye(5), torch.zeros(5)
    return Sae(axes, bias, torch.diag(torch.tensor(LENGTHS)), bias, Threshold(torch.zeros(5)), "resid_post_0", "m")


def exchanged(sae, x, drop, include, strength=1.0, prompts=None, at=None):
    """Reconstructions after the exchange, in units of the atoms' lengths; row i belongs to prompt `prompts[i]`."""
    where = torch.tensor([[p, i] for i, p in enumerate(prompts or [0] * len(x))])
    edited = exchange(sae, drop, include, strength, at)(sae.encode(torch.tensor(x).float()), where)
    return (sae.decode(edited) / torch.tensor(LENGTHS)).tolist()


@pytest.mark.parametrize(
    ("before", "swapped", "dropped", "inserted"),
    [
        ([0, 0, 1, 0, 9], [0, 0, 1, 0, 9], [0, 0, 1, 0, 9], [0, 0, 1, 0, 9]),  # silent: as it was
        ([1, 0, 0, 0, 2], [0, 0, 10, 14, 2], [0, 0, 0, 0, 2], [1, 0, 10, 14, 2]),  # one of `drop` is enough
        ([4, 3, 0, 0, 0], [0, 0, 10, 14, 0], [0, 0, 0, 0, 0], [4, 3, 10, 14, 0]),  # all of `drop` go
        ([0, 3, 11, 1, 0], [0, 0, 11, 14, 0], [0, 0, 11, 1, 0], [0, 3, 11, 14, 0]),  # collision: the larger stays
    ],
)
def test_truth_table(by_hand, before, swapped, dropped, inserted):
    """Where `drop` fires it becomes 0, and `include` strength · typical (here 2), or one of both; all else stays."""
    assert exchanged(by_hand, [before], [DROP], [INCLUDE], 2.0) == [swapped]
    assert exchanged(by_hand, [before], [DROP], [NOTHING], 2.0) == [dropped]
    assert exchanged(by_hand, [before], [NOTHING], [INCLUDE], 2.0, at=fires(by_hand, [DROP])) == [inserted]


def test_a_latent_that_is_dropped_and_included_keeps_the_larger_code(by_hand):
    """To be written counts for more than to be silenced: what both name ends at the larger of its own and the new."""
    same = Feature("same", (0, 1), (3.0, 3.0))
    assert exchanged(by_hand, [[4, 1, 0, 0, 0]], [same], [same]) == [[4, 3, 0, 0, 0]]


def test_insertion_at_positions(by_hand):
    """Each prompt is written to at its own positions, or all at the same, and nowhere else."""
    x, written = [[1, 0, 0, 0, 0]] * 4, [1, 0, 5, 7, 0]
    own = exchanged(by_hand, x, [NOTHING], [INCLUDE], 1.0, [0, 0, 1, 1], stands([[0, 7], [1, 3, 2]]))
    assert own == [written, x[0], written, written]
    all_of_them = exchanged(by_hand, x, [NOTHING], [INCLUDE], 1.0, [0, 0, 1, 1], stands([[1, 2]]))
    assert all_of_them == [x[0], written, written, x[0]]
    assert exchanged(by_hand, x, [NOTHING], [INCLUDE], at=stands([[]])) == x


def test_rows_are_counted_by_prompt(by_hand):
    """A tally grows pass by pass by the rows in which the condition holds, and the condition is as before."""
    tally, z = torch.zeros(3, dtype=torch.long), torch.tensor([[1.0, 0, 0, 0, 0], [0, 0, 1.0, 0, 0], [0, 2.0, 0, 0, 0]])
    at = counted(fires(by_hand, [DROP]), tally)
    for prompts in ([0, 0, 2], [2, 2, 2]):
        where = torch.tensor([[p, i] for i, p in enumerate(prompts)])
        assert at(z, where).flatten().tolist() == [True, False, True]
    assert tally.tolist() == [1, 0, 3]


def test_silent_rows_are_bit_identical(by_hand):
    """A row in which `drop` is silent comes back with the same bits, negative zero included."""
    z = torch.tensor([[0.0, -0.0, 1e-38, 3.0, 0.0]])
    same = exchange(by_hand, [DROP], [INCLUDE])(z, torch.tensor([[0, 0]]))
    assert torch.equal(same.view(torch.int32), z.view(torch.int32))


@pytest.mark.parametrize("code", [1e-38, -2.0])
def test_active_means_not_zero(by_hand, code):
    """However small a code is, or negative, its latent is active."""
    z = torch.tensor([[code, 0.0, 0.0, 0.0, 3.0]])
    assert exchange(by_hand, [DROP], [INCLUDE])(z, torch.tensor([[0, 0]])).tolist() == [[0, 0, 5, 7, 3]]


@pytest.mark.parametrize("kind", ["typical", "residual", "constant"])
def test_strength_zero_only_drops(by_hand, kind):
    """With strength 0, of whatever kind, nothing is written and what was there of `include` stays."""
    before, after = [[1, 2, 3, 0, 0]], [[0, 0, 3, 0, 0]]
    assert exchanged(by_hand, before, [DROP], [INCLUDE], Strength(0.0, kind)) == after


def test_each_row_uses_its_own_prompts_features(by_hand):
    """With one feature per prompt, a row is edited by the features of the prompt that it stands in."""
    x = [[1, 1, 0, 0, 0]] * 3
    drop = [Feature("x", (0,), (1.0,)), Feature("y", (1,), (1.0,))]
    include = [Feature("p", (2,), (3.0,)), Feature("q", (3,), (4.0,))]
    own = exchanged(by_hand, x, drop, include, prompts=[1, 0, 1])
    assert own == [[1, 0, 0, 4, 0], [0, 1, 3, 0, 0], [1, 0, 0, 4, 0]]
    one_drop = exchanged(by_hand, x, [DROP], include, prompts=[1, 0, 1])
    assert one_drop == [[0, 0, 0, 4, 0], [0, 0, 3, 0, 0], [0, 0, 0, 4, 0]]


def test_an_empty_feature_does_nothing(by_hand):
    """Nothing to drop means no row is touched."""
    x = [[1, 0, 2, 0, 0]]
    assert exchanged(by_hand, x, [NOTHING], [INCLUDE]) == x


def test_the_three_kinds_of_strength(by_hand):
    """By hand: 2 · typical; a common code as long as 2 · typical in the residual stream; a common code of 2."""
    codes = {kind: Strength(2.0, kind).codes(INCLUDE, by_hand).tolist() for kind in ("typical", "residual", "constant")}
    length = math.hypot(5 * 4.0, 7 * 0.5) / math.hypot(4.0, 0.5)  # ‖Σ typical_j d_j‖ / ‖Σ d_j‖
    assert codes == {"typical": [10, 14], "residual": pytest.approx([2 * length] * 2), "constant": [2, 2]}
    assert Strength(2.0, "residual").codes(NOTHING, by_hand).shape == (0,)


@pytest.mark.parametrize("latents", [(3,), (3, 9), (1, 20, 40)])
def test_residual_strength_is_a_length(sae, latents):
    """With atoms at any angle, one code for all adds a vector `value` times as long as the typical one."""
    feature = Feature("c", latents, (2.0, 0.5, 7.0)[: len(latents)])
    codes, atoms = Strength(1.5, "residual").codes(feature, sae), sae.W_dec[list(latents)]
    assert len(set(codes.tolist())) == 1
    assert float((codes @ atoms).norm()) == pytest.approx(1.5 * float((torch.tensor(feature.typical) @ atoms).norm()))


@pytest.mark.parametrize("latent", range(5))
def test_one_latent_is_written_the_same_by_typical_and_residual(by_hand, latent):
    """With a single latent the length in the residual stream is the code times the atom's length, whatever that is."""
    feature = Feature("c", (latent,), (3.0,))
    own, matched = (Strength(1.5, kind).codes(feature, by_hand) for kind in ("typical", "residual"))
    torch.testing.assert_close(matched, own)


def test_only_the_constant_kind_depends_on_the_scale_of_the_dictionary(by_hand):
    """With atoms c times as long and codes 1/c times as large, typical and residual write the same vector."""
    louder = replace(by_hand, W_enc=by_hand.W_enc / 8, W_dec=by_hand.W_dec * 8)
    typical = replace(INCLUDE, typical=tuple(t / 8 for t in INCLUDE.typical))
    for kind, ratio in (("typical", 1), ("residual", 1), ("constant", 8)):
        plain, scaled = (
            Strength(2.0, kind).codes(f, sae) @ sae.W_dec[[2, 3]] for f, sae in ((INCLUDE, by_hand), (typical, louder))
        )
        torch.testing.assert_close(scaled, ratio * plain)


def test_a_list_must_have_a_feature_for_every_prompt(by_hand):
    """Two features for three prompts are a mistake: nobody's own would be used for the third."""
    with pytest.raises(ValueError, match=r"2 features .* were given for 3 prompts"):
        exchanged(by_hand, [[1, 0, 0, 0, 0]] * 3, [DROP, DROP], [INCLUDE], prompts=[0, 1, 2])


@pytest.mark.parametrize("strength", [math.nan, math.inf, -1.0])
def test_a_strength_that_means_nothing_is_refused(subject, strength):
    """NaN would only drop and a negative strength too, without a word."""
    with pytest.raises(ValueError, match="strength"), swap(subject, Feature("a", (1,), (1.0,)), NOTHING, strength):
        pass


def test_an_unknown_kind_of_strength_lists_those_that_exist():
    """The message names all three."""
    with pytest.raises(ValueError, match="'raw'; there are: typical, residual, constant"):
        Strength(1.0, "raw")


def test_a_position_before_the_prompt_is_refused(subject):
    """Positions are not counted from the end, which moves while text is generated."""
    with pytest.raises(ValueError, match=r"positions \[-1\] are below 0"), insert(subject, NOTHING, [2, -1]):
        pass


@pytest.mark.parametrize("latent", [-1, 64])
def test_an_unknown_latent_is_refused(subject, latent):
    """A latent that the SAE does not have is named, with those that exist, wherever it stands."""
    unknown = Feature("b", (latent,), (1.0,))
    for context in (
        swap(subject, NOTHING, unknown),
        swap(subject, unknown, NOTHING),
        drop(subject, unknown),
        insert(subject, unknown, [1]),
        insert(subject, NOTHING, unknown),
        swap_vector(subject, unknown, torch.zeros(1, subject.sae.width)),
    ):
        with pytest.raises(ValueError, match="latents 0 to 63"), context:
            pass


def test_a_feature_of_another_dictionary_is_refused(subject):
    """Its latents' numbers exist here too, and mean something else."""
    own, foreign = (Feature("a", (1,), (1.0,), sae) for sae in (subject.sae.digest, "0" * 64))
    with swap(subject, own, own), drop(subject, own), insert(subject, own, own):
        pass
    for context in (
        swap(subject, foreign, own),
        swap(subject, own, foreign),
        drop(subject, foreign),
        insert(subject, foreign, [1]),
        insert(subject, own, foreign),
        swap_vector(subject, foreign, torch.zeros(1, subject.sae.width)),
    ):
        with pytest.raises(LineageError, match="'a' was found in the SAE 000000000000"), context:
            pass


def logits(lm, batch):
    """Next-token logits."""
    with torch.no_grad():
        return lm.network(input_ids=batch[0], attention_mask=batch[1], use_cache=False).logits


def test_swapping_a_feature_with_itself_changes_nothing(subject, blocks):
    """Dropped and written again at its own activation, a feature leaves the spliced model as it was."""
    batch = subject.lm.pad([list(b.ids) for b in blocks[:2]])
    z = subject.read(*batch).z
    latent = int((z != 0).sum(0).argmax())
    smallest = float(z[:, latent][z[:, latent] != 0].min())
    with subject.spliced():
        plain = logits(subject.lm, batch)
    with swap(subject, same := Feature("same", (latent,), (smallest,)), same):
        assert torch.equal(logits(subject.lm, batch), plain)
    with swap(subject, same, Feature("other", ((latent + 1) % 64,), (smallest,))):
        assert not torch.allclose(logits(subject.lm, batch), plain, atol=1e-3)


@pytest.fixture
def three(subject, blocks):
    """Three prompts of different lengths with a frequent latent to drop and another to write for each."""
    prompts = [list(b.ids[:n]) for b, n in zip(blocks, (7, 14, 10))]
    often = (subject.read(*subject.lm.pad(prompts)).z != 0).sum(0).argsort(descending=True).tolist()
    drop = [Feature(str(j), (j,), (1.0,)) for j in often[:3]]
    include = [Feature(str(j), (j,), (9.0,)) for j in often[30:33]]
    return prompts, drop, include


@pytest.mark.parametrize("side", ["left", "right"])
def test_where_the_dropped_latent_is_silent_the_residual_stream_keeps_its_bits(subject, three, side):
    """At the site, rows in which it is silent are those of the spliced model; after it, all before the first change."""
    prompts, dropped, include = three
    batch, after = subject.lm.pad(prompts, side), "resid_post_2"
    codes = subject.read(*batch)
    owner = codes.text.nonzero()[:, 0]
    active = torch.stack([codes.z[i, dropped[p].latents[0]] != 0 for i, p in enumerate(owner.tolist())])
    assert active.any() and not active.all()
    with subject.spliced():
        plain = observe(subject.lm.network, [subject.site, after], *batch)
    noise = 9 * torch.ones(1, subject.sae.width)
    for edit in (drop(subject, dropped), swap(subject, dropped, include), swap_vector(subject, dropped, noise)):
        with edit:
            found = observe(subject.lm.network, [subject.site, after], *batch)
        changed = (found[subject.site] != plain[subject.site]).any(2)
        assert torch.equal(changed[codes.text], active)
        assert not changed[~codes.text].any()
        later = (found[after] != plain[after]).any(2) & batch[1].bool()
        assert torch.equal(later.cumsum(1) > 0, (changed.cumsum(1) > 0) & (batch[1].cumsum(1) > 0))


def test_bos_is_exchanged_only_where_its_reconstruction_is_spliced_in(subject, three):
    """A latent that is active at BOS is exchanged there in a subject that replaces special tokens, and in no other."""
    prompts, _, include = three
    batch = subject.lm.pad(prompts[:1])
    hidden = observe(subject.lm.network, [subject.site], *batch)[subject.site]
    active = int(subject.sae.encode(hidden[0, :1])[0].argmax())
    for specials in (False, True):
        own = replace(subject, sae=replace(subject.sae, specials=specials))
        bos, noise = Feature("bos", (active,), (1.0,)), 9 * torch.ones(1, subject.sae.width)
        for edit in (swap(own, bos, include[0]), insert(own, include[0], [0]), swap_vector(own, bos, noise)):
            with own.spliced():
                plain = observe(own.lm.network, [own.site], *batch)[own.site]
            with edit:
                found = observe(own.lm.network, [own.site], *batch)[own.site]
            assert torch.equal(found[0, 0], plain[0, 0]) is not specials


AT = [[2, 4], [9, 15, 16], [11, 12, 13]]  # some of them in what is generated
EDITS = {
    "swap": lambda subject, dropped, include, _: swap(subject, dropped, include),
    "constant": lambda subject, dropped, include, _: swap(subject, dropped, include, Strength(9.0, "constant")),
    "drop": lambda subject, dropped, *_: drop(subject, dropped),
    "insert where one fires": lambda subject, dropped, include, _: insert(subject, include, dropped),
    "insert at positions": lambda subject, _, include, at: insert(subject, include, at),
    "vector": lambda subject, dropped, include, _: swap_vector(subject, dropped, vectors(subject, include)),
}


def vectors(subject, include):
    """What the features of one latent write, (P, D)."""
    return torch.stack([f.typical[0] * subject.sae.W_dec[f.latents[0]] for f in include])


@pytest.mark.parametrize("kind", EDITS)
def test_generation_is_the_same_with_and_without_cache(subject, three, kind):
    """An edit acts on every position once, whether the model recomputes it or remembers it."""
    prompts, dropped, include = three
    with EDITS[kind](subject, dropped, include, AT):
        cached, fresh = (continue_ids(subject.lm, prompts, 10, use_cache=use) for use in (True, False))
    with subject.spliced():
        plain = continue_ids(subject.lm, prompts, 10)
    assert cached == fresh
    assert cached != plain


@pytest.mark.parametrize("kind", EDITS)
def test_generation_in_a_padded_batch_is_generation_alone(subject, three, kind):
    """Left padding and neighbours with other features change nothing."""
    prompts, dropped, include = three
    with EDITS[kind](subject, dropped, include, AT):
        together = continue_ids(subject.lm, prompts, 10)
    for i, prompt in enumerate(prompts):
        with EDITS[kind](subject, dropped[i : i + 1], include[i : i + 1], AT[i]):
            assert continue_ids(subject.lm, [prompt], 10) == [together[i]]


def test_a_swap_is_a_drop_and_an_insertion_where_it_fired(subject, three):
    """Written where a feature fires and silenced there, or swapped: with features that share no latent, the same."""
    prompts, dropped, include = three
    batch = subject.lm.pad(prompts)
    where = subject.read(*batch).text.nonzero()
    z = subject.read(*batch).z
    at = fires(subject.sae, dropped)
    inserted = exchange(subject.sae, [NOTHING], include, 1.0, at)(z, where)
    both = exchange(subject.sae, dropped, [NOTHING])(inserted, where)
    assert torch.equal(both, exchange(subject.sae, dropped, include)(z, where))


def test_a_vector_in_the_place_of_a_latent_is_the_swap(subject, three):
    """What a latent writes, added as a vector where nothing collides, is the swap up to the rounding of one sum."""
    prompts, dropped, include = three
    batch = subject.lm.pad(prompts)
    with swap(subject, dropped, include):
        swapped = subject.read(*batch).rows
    with swap_vector(subject, dropped, vectors(subject, include)):
        found = subject.read(*batch).rows
    codes = subject.read(*batch)
    free = torch.stack(
        [codes.z[i, include[p].latents[0]] == 0 for i, p in enumerate(codes.text.nonzero()[:, 0].tolist())]
    )
    torch.testing.assert_close(found[free], swapped[free])


def test_a_vector_is_added_where_one_says(subject, three):
    """With places given, the reconstruction there loses what the latents write and gains the vector, and only there."""
    (prompt, *_), (feature, *_), _ = three
    batch = subject.lm.pad([prompt])
    read, vector = subject.read(*batch), torch.ones(1, subject.sae.width)
    with subject.spliced():
        plain = subject.read(*batch).rows
    with swap_vector(subject, feature, vector, stands([[3, 5]])):
        found = subject.read(*batch).rows
    there = torch.tensor([[float(p in (3, 5))] for p in read.text.nonzero()[:, 1].tolist()])
    lost = read.z[:, list(feature.latents)] @ subject.sae.W_dec[list(feature.latents)]
    torch.testing.assert_close(found - plain, there * (vector - lost), atol=1e-5, rtol=0)
    assert torch.equal(found[there[:, 0] == 0], plain[there[:, 0] == 0])


def test_insertion_writes_on_top_of_the_reconstruction(subject, three):
    """At the given positions the reconstruction gains (written − present) · atom, and nothing anywhere else."""
    (prompt, *_), _, (feature, *_) = three
    batch = subject.lm.pad([prompt])
    read = subject.read(*batch)
    with subject.spliced():
        plain = subject.read(*batch).rows
    with insert(subject, feature, [3, 5]):
        found = subject.read(*batch).rows
    places = read.text.nonzero()[:, 1].tolist()
    gain = torch.tensor([9.0 if p in (3, 5) else 0.0 for p in places])
    gain = (gain - read.z[:, feature.latents[0]]).clamp_min(0) * (gain > 0)
    torch.testing.assert_close(
        found - plain, gain[:, None] * subject.sae.W_dec[list(feature.latents)], atol=1e-5, rtol=0
    )


def test_planted_names_are_dropped_and_inserted():
    """Without the source's latents all names are alike and the first is said; a name written twice as strongly is."""
    case = planted_case()
    subject, found = case.subject, case.pairs("test", 12)

    def said(prompt):
        return subject.lm.tokenizer.decode(continue_ids(subject.lm, [prompt], 1)[0])

    for pair in found:
        prompt, source, target = list(pair.ids), case.concepts[pair.source], case.concepts[pair.target]
        assert said(prompt) == pair.source
        with drop(subject, source):
            assert said(prompt) == NAMES[0]
        for at in (source, pair.places):
            with insert(subject, target, at, 2.0):
                assert said(prompt) == pair.target

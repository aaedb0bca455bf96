"""Explanations by tiny random models, the cosines of their embeddings, and tf-idf by hand."""

import copy
from dataclasses import replace
from itertools import combinations
from math import log, sqrt

import pytest
import torch

from sieve.features.examples import Example, top_examples
from sieve.features.explanations import (
    PREFIXES,
    QUESTION,
    Context,
    context_tfidf_cosine,
    explain,
    explanation_cosine,
    mean_cosine,
    open_embedder,
    top_contexts,
    without_prefix,
)
from sieve.model.generate import continue_text
from sieve.model.language_model import LanguageModel, ModelFolderError
from sieve.provenance import generator
from tests.networks import tokenizer_of


def context(text, peak=0):
    """Words as tokens, the first without the space before it."""
    first, *others = text.split(" ")
    return Context((first, *(f" {word}" for word in others)), peak)


def test_a_context_is_cut_around_the_strongest_token():
    """Up to ten tokens on both sides, fewer at the ends; among equals the first token counts."""
    for strongest, start, end in ((15, 5, 26), (0, 0, 11), (29, 19, 30), (4, 0, 15)):
        activations = [2.0 if i in (strongest, 29) else 0.0 for i in range(30)]
        found = Context.of(Example(3, 0, "d", tuple(map(str, range(30))), tuple(activations)))
        assert found.tokens == tuple(map(str, range(start, end)))
        assert found.tokens[found.peak] == str(strongest)
    assert len(Context.of(Example(3, 0, "d", tuple(map(str, range(30))), tuple(activations)), 2).tokens) == 5


@pytest.mark.parametrize(
    ("tokens", "peak", "marked"),
    [
        (("Anna", " has", " 3", "\n", " apples"), 1, "Anna [[has]] 3 apples"),
        (("Anna", " has"), 0, "[[Anna]] has"),
        ((" ", "a"), 0, "[[ ]]a"),
        (("An", "na"), 1, "An[[na]]"),
    ],
)
def test_the_strongest_token_is_marked(tokens, peak, marked):
    """Double brackets stand around its letters, the space before them outside, and the text is one line."""
    assert Context(tokens, peak).marked == marked


@pytest.fixture
def features(subject, blocks):
    """Contexts of three latents, two short ones for each."""
    found = top_examples(subject, blocks[:20], [3, 7, 11], 2, 8)
    return [[Context.of(e, 2) for e in found if e.latent == latent] for latent in (3, 7, 11)]


def test_an_explanation_is_the_greedy_answer_to_the_question(lm, features):
    """One line, what the model says when it is given the question and the marked contexts as text."""
    prompts = ["\n".join([QUESTION, *(f"- {c.marked}" for c in contexts), "Description:"]) for contexts in features]
    wide = with_context(lm, 1024)
    said = [text.strip().split("\n")[0].strip() for text in continue_text(wide, prompts, 12)]
    assert explain(wide, features, 12) == said
    assert explain(wide, features, 12, batch=1) == said
    assert any(said) and all(len(contexts) == 2 for contexts in features)
    assert explain(wide, []) == []


def with_context(lm, tokens):
    """The model said to be built for longer texts."""
    network = copy.deepcopy(lm.network)
    network.config.max_position_embeddings = tokens
    return LanguageModel(network, copy.deepcopy(lm.tokenizer), lm.digest)


def test_an_instruction_model_is_asked_through_its_template(lm, features):
    """With a chat template the question is a user's message, and BOS is not doubled."""
    wide = with_context(lm, 1024)
    wide.tokenizer.chat_template = (
        "{{ bos_token }}{% for m in messages %}<{{ m.role }}> {{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %} <assistant>{% endif %}"
    )
    prompts = ["<user> " + "\n".join([QUESTION, *(f"- {c.marked}" for c in own)]) + " <assistant>" for own in features]
    said = [text.strip().split("\n")[0].strip() for text in continue_text(wide, prompts, 8)]
    assert explain(wide, features, 8) == said


def test_a_question_that_does_not_fit_is_refused(lm, features):
    """A model is not asked beyond its context."""
    with pytest.raises(ValueError, match=r"take \d+ tokens, but this model's context is 256; give fewer"):
        explain(lm, [own * 20 for own in features])


@pytest.fixture(scope="module")
def folder(lm, tmp_path_factory):
    """The tiny model as a folder."""
    path = tmp_path_factory.mktemp("embedder")
    lm.network.save_pretrained(path)
    lm.tokenizer.save_pretrained(path)
    return path


WORDS = ["apples", "The king sleeps in the castle.", "Anna", "Anna has 3 apples and a very old book"]


def test_an_embedding_is_the_mean_of_the_last_hidden_state(lm, folder):
    """Text by text and without padding, BOS counted; batches and their padding change nothing."""
    with torch.no_grad():
        alone = [
            lm.network(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states[-1][0].mean(0)
            for ids in lm.encode(WORDS)
        ]
    for batch in (1, 3, 32):
        torch.testing.assert_close(open_embedder(folder, batch=batch)(WORDS), torch.stack(alone), rtol=1e-4, atol=1e-5)
    assert open_embedder(folder)([]).shape == (0, lm.width)


def test_a_text_without_a_token_is_not_embedded(lm, tmp_path):
    """Where the tokenizer adds no BOS, an empty text has no mean."""
    lm.network.save_pretrained(tmp_path)
    tokenizer_of(bos=False).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="text 1 has no token"):
        open_embedder(tmp_path)(["w3 w4", ""])


def test_a_folder_without_all_weights_is_no_embedder(lm, tmp_path):
    """What would be made up at random is named."""
    network = copy.deepcopy(lm.network)
    weights = {name: value for name, value in network.state_dict().items() if "layers.1.mlp" not in name}
    network.save_pretrained(tmp_path, state_dict=weights)
    lm.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ModelFolderError, match=r"has no weights for layers\.1\.mlp"):
        open_embedder(tmp_path)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("This feature activates on names of persons", "names of persons"),
        ("THE NEURON FIRES FOR: names", "names"),
        ("It detects numbers", "numbers"),
        ("names that this feature activates on", "names that this feature activates on"),
    ],
)
def test_fixed_prefixes_are_stripped_in_any_case(text, left):
    """Only at the beginning, and with the colon or space that follows."""
    assert without_prefix(text) == left


def test_the_longest_prefix_goes():
    """Of two that fit, the longer; without any, all stays."""
    assert without_prefix("it is on names", ["it", "It is on"]) == "names"
    assert without_prefix("This feature detects names", []) == "This feature detects names"
    assert len(set(PREFIXES)) == len(PREFIXES)


def test_mean_cosine_against_loops_over_pairs():
    """Over all pairs, whatever the vectors' lengths; a vector of zeros has cosine 0 with every other."""
    vectors = torch.randn(9, 5, generator=generator(0, "embedded"), dtype=torch.float64) * torch.arange(9.0)[:, None]
    pairs = [float(torch.cosine_similarity(a, b, dim=0)) for a, b in combinations(vectors, 2)]
    assert mean_cosine(vectors) == pytest.approx(sum(pairs) / 36)
    with pytest.raises(ValueError, match="no pair among 1 feature"):
        mean_cosine(vectors[:1])


def test_explanations_are_compared_without_their_prefixes(folder):
    """What all begin with does not make them alike, unless it is left there."""
    embed = open_embedder(folder)
    told = [f"This feature activates on {word}" for word in WORDS]
    assert explanation_cosine(told, embed) == explanation_cosine(WORDS, embed)
    assert explanation_cosine(told, embed, prefixes=()) != explanation_cosine(WORDS, embed)


def test_centring_takes_out_what_all_share():
    """A vector added to every embedding counts as likeness, and does not once embeddings are centred."""
    told = {"a": [1.0, 0.0], "b": [-1.0, 0.0], "c": [0.0, 1.0], "d": [0.0, -1.0]}

    def embed(texts, shared=0.0):
        return torch.tensor([told[text] for text in texts]) + shared

    plain = explanation_cosine(list(told), embed)
    assert plain == pytest.approx(-1 / 3)  # two pairs of six at −1, the others at 0
    assert explanation_cosine(list(told), lambda texts: embed(texts, 9.0)) > 0.9
    assert explanation_cosine(list(told), lambda texts: embed(texts, 9.0), centre=True) == pytest.approx(plain)


def test_tfidf_by_hand():
    """Three features, two of which share ' b': (2 a, ' b') and (' b', ' c') and (d), weights and cosine written out."""
    features = [[context("a b"), context("a")], [Context((" b", " c"), 0)], [context("d")]]
    rare, shared = log(4 / 2) + 1, log(4 / 3) + 1
    cosine = shared * shared / (sqrt((2 * rare) ** 2 + shared**2) * sqrt(shared**2 + rare**2))
    assert context_tfidf_cosine(features) == pytest.approx(cosine / 3)


def test_tfidf_of_equal_and_of_strange_contexts():
    """Equal contexts have cosine 1 and those without a common token 0; how they are divided makes no difference."""
    whole, parts = [context("a b c a")], [Context(("a", " b"), 0), Context((" c", " a"), 1)]
    assert context_tfidf_cosine([whole, parts]) == pytest.approx(1)
    assert context_tfidf_cosine([whole, [context("x y")]]) == 0


def test_features_without_contexts_are_refused():
    """A dead feature has no words, and one feature no pair."""
    with pytest.raises(ValueError, match="feature 1 has no contexts"):
        context_tfidf_cosine([[context("a")], []])
    with pytest.raises(ValueError, match="no pair among 1"):
        context_tfidf_cosine([[context("a")]])


def test_top_contexts_are_where_a_latent_is_strongest(subject, blocks):
    """One per document, the strongest first, each marked at the document's first highest activation."""
    texts = [b for b in blocks if b.kind == "text"][:7]
    (found,) = top_contexts(subject, texts, [3], 4, batch=2)

    z = [subject.read(*subject.lm.pad([list(b.ids)])).z[:, 3] for b in texts]
    peaks = sorted((float(own.max()) for own in z if own.max() > 0), reverse=True)[:4]
    shown = top_examples(subject, texts, [3], 4, batch=3)
    assert found == [Context.of(example) for example in shown]
    assert [max(example.activations) for example in shown] == pytest.approx(peaks, rel=1e-5)


def test_a_latent_that_is_silent_has_no_context(subject, blocks):
    """Nothing is shown for it, and others are not shifted."""
    silent = replace(subject.sae, b_enc=subject.sae.b_enc.index_fill(0, torch.tensor([3]), -1e6))
    found = top_contexts(replace(subject, sae=silent), blocks[:6], [3, 4], 2, batch=4)

    assert found[0] == []
    assert found[1] == top_contexts(subject, blocks[:6], [4], 2, batch=6)[0]

"""A concept's values in text: surfaces, probes, labels, and the file that says what was chosen."""

import re
from dataclasses import replace

import pytest

from sieve.features.concepts import Choice, Concepts, Pick, Probe, Settings, labelled, probe, surfaces, written
from sieve.interventions.swap import Feature
from sieve.provenance import LineageError
from sieve.text.blocks import Block, Mention


def text_block(ids, mentions, kind="text", prompt=0):
    """A block with mentions (value, first, last) of the concept 'name'."""
    marked = tuple(Mention("name", *m) for m in mentions)
    return Block("d", kind, "en", "train", -1, prompt, "", tuple(ids), marked)


def test_surfaces_are_the_commonest_tokens_of_each_value():
    """Values sorted; the commonest tokens win, ties go to the smaller ids; other concepts are not looked at."""
    blocks = [
        text_block([1, 7, 8, 9, 7, 8], [("b", 1, 2), ("b", 4, 5), ("a", 3, 3)]),
        text_block([1, 5, 4, 6], [("b", 1, 1), ("a", 2, 2)]),
        Block("d", "text", "en", "train", -1, 0, "", (1, 2), (Mention("place", "a", 1, 1),)),
    ]
    assert surfaces(blocks, "name") == {"a": (4,), "b": (7, 8)}
    assert list(surfaces(blocks, "name")) == ["a", "b"]


def test_written_is_how_a_value_reads(lm, blocks):
    """A value's key need not be its word: objects are written in the plural, without the space in front."""
    words = surfaces([b for b in blocks if b.kind == "problem"], "object")
    assert all(text == value + "s" for value, text in written(lm, words).items())
    assert len(words) > 1


def test_a_problems_probe_ends_before_the_solutions_first_mention():
    """The prompt with what follows up to the name; places are the earlier mentions' last tokens, of this value only."""
    ids = range(20)
    block = text_block(ids, [("a", 2, 3), ("b", 5, 5), ("a", 7, 8), ("a", 12, 13), ("a", 15, 16)], "problem", prompt=10)
    assert probe(block, "name") == Probe("d", "a", tuple(range(12)), (3, 8))


def test_a_texts_probe_ends_before_the_last_mention():
    """Text has no solution, so its last mention is the one to say."""
    block = text_block(range(20), [("a", 2, 3), ("b", 5, 5), ("b", 12, 13)])
    assert probe(block, "name") == Probe("d", "b", tuple(range(12)), (5,))


@pytest.mark.parametrize(
    "block",
    [
        text_block(range(9), []),
        text_block(range(9), [("a", 2, 2)]),
        text_block(range(9), [("a", 2, 2), ("b", 4, 4)]),
        text_block(range(9), [("a", 2, 2), ("a", 4, 4)], "problem", prompt=6),
        text_block(range(9), [("a", 2, 2), ("b", 7, 7)], "problem", prompt=6),
    ],
    ids=["none", "once", "once-each", "not-in-solution", "new-in-solution"],
)
def test_no_probe_without_an_earlier_mention(block):
    """Where nothing can be copied there is no probe."""
    assert probe(block, "name") is None


def test_probes_of_real_problems_stop_exactly_at_the_name(lm, blocks):
    """Decoded, a probe is the question up to 'Solution:', and the tokens that come next are the value's own."""
    problems = [b for b in blocks if b.kind == "problem"]
    words = surfaces(problems, "name")
    for block in problems:
        found = probe(block, "name")
        assert lm.tokenizer.decode(list(found.ids)).rstrip().endswith("Solution:")
        assert block.ids[len(found.ids) :][: len(words[found.value])] == words[found.value]
        assert all(block.ids[p] == words[found.value][-1] for p in found.places)


def test_at_position_last_the_place_is_the_token_before():
    """The same prompt, looked at where the value is about to be said."""
    block = text_block(range(20), [("a", 2, 3), ("a", 7, 8), ("a", 12, 13)], "problem", prompt=10)
    assert probe(block, "name", "last") == Probe("d", "a", tuple(range(12)), (11,))
    assert probe(text_block(range(9), [("a", 2, 2)]), "name", "last") is None


def test_labels_are_mentions_or_the_token_before_the_last():
    """At position concept every mention's last token, at position last one token per probe."""
    block = text_block(range(20), [("a", 2, 3), ("b", 5, 5), ("a", 12, 13), ("a", 15, 16)], "problem", prompt=10)
    assert labelled(block, "name", "concept") == [("a", 3), ("b", 5), ("a", 13), ("a", 16)]
    assert labelled(block, "name", "last") == [("a", 11)]
    assert labelled(block, "place", "last") == labelled(block, "place", "concept") == []


CONCEPTS = Concepts(
    "name", "last", "resid_post_1", "a-model", "an-sae",
    (
        Choice(
            (17,),
            Pick(Feature("Anna", (4, 9), (1.5, 0.25), "an-sae"), 2.5, 0.5, 1.0),
            Pick(Feature("Anna", (2,), (3.0,), "an-sae"), 0.1, 1.0, 0.5),
        ),
        Choice(
            (3, 4),
            Pick(Feature("Ben", (), (), "an-sae"), 0.0, 0.0, 0.0),
            Pick(Feature("Ben", (), (), "an-sae"), 0.0, 0.0, 0.0),
        ),
    ),
)  # fmt: skip


def test_concepts_come_back_from_disk_as_they_were(tmp_path):
    """Save and load are inverse, and equal concepts give equal bytes."""
    for name in ("a.json", "b.json"):
        CONCEPTS.save(tmp_path / name)
    assert Concepts.load(tmp_path / "a.json") == CONCEPTS
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_another_model_or_dictionary_is_refused():
    """Latents are numbers: in another Sae they would be swapped all the same, and mean something else."""
    CONCEPTS.require("a-model", "an-sae")
    with pytest.raises(LineageError, match="chosen in the SAE an-sae, but the SAE given is another"):
        CONCEPTS.require("a-model", "another")
    with pytest.raises(LineageError, match="chosen in the model a-model, but the model given is another"):
        CONCEPTS.require("another", "an-sae")


@pytest.mark.parametrize("content", ["{}", "[]", '{"kind": "direction"}'])
def test_a_file_that_holds_no_concepts_is_refused(tmp_path, content):
    """Some other JSON is a mistake that is named."""
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="holds no concepts"):
        Concepts.load(tmp_path / "x.json")


def test_a_value_is_found_by_name():
    """concepts['Anna'] is Anna's feature; an unknown value lists those that exist."""
    assert CONCEPTS["Anna"].latents == (4, 9)
    assert CONCEPTS.words == {"Anna": (17,), "Ben": (3, 4)}
    with pytest.raises(KeyError, match="there are: Anna, Ben"):
        CONCEPTS["Carl"]


SOUND = Settings(["animal"], documents=9, candidates=3, probes=1, latents=2)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"latents": 0}, "latents is 0; must be at least 1"),
        ({"probes": -1}, "probes is -1; must be at least 1"),
        ({"candidates": 1}, "candidates is 1, but latents 2 of them may be taken; raise candidates"),
        ({"also": ["animal", "animal"]}, "also names animal, animal; name each concept once"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, told):
    """The message says what does not fit and what to do."""
    with pytest.raises(ValueError, match=re.escape(told)):
        replace(SOUND, **changes)


def test_all_that_does_not_fit_is_told_at_once():
    """Every mistake stands in one message."""
    with pytest.raises(ValueError, match=r"documents is 0.*latents is 0.*each concept once"):
        replace(SOUND, documents=0, latents=0, also=["name", "name"])

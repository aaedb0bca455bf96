"""What says the same is found and stays together: copies, near copies, translations; and in a test file, leakage."""

import random

import numpy as np
import pytest

from sieve.text.duplicates import ALIKE, SHINGLE, group, leakage, signatures
from tests.text.test_files import read, write

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def prose(seed: int, count: int = 60) -> str:
    """A text of its own."""
    rng = random.Random(seed)
    return " ".join("".join(rng.choices(LETTERS, k=rng.randint(2, 9))) for _ in range(count))


def one_word_changed(text: str, at: int = 20) -> str:
    """The same with another word in one place."""
    words = text.split()
    return " ".join([*words[:at], "something", *words[at + 1 :]])


def jaccard(one: str, other: str) -> float:
    """The share of shingles in common, counted exactly."""
    a, b = ({t[i : i + SHINGLE] for i in range(len(t) - SHINGLE + 1)} for t in (one, other))
    return len(a & b) / len(a | b)


def numbers(*texts: str) -> list[int]:
    """Each text's group."""
    return group(texts, [None] * len(texts)).numbers


def test_copies_are_joined():
    """White space makes no difference, and only copies are counted as exact."""
    found = group(["One two.", "Three.", " One\n two. ", "Three."], [None] * 4)
    assert found.numbers == [0, 1, 0, 1] and (found.exact, found.near) == (2, 0)


@pytest.mark.parametrize("seed", range(20))
def test_one_word_changed_is_a_near_copy(seed):
    """So is a text in other letters' case; and a text of its own is none."""
    text = prose(seed)
    found = group([text, one_word_changed(text), text.upper(), prose(seed + 1000)], [None] * 4)
    assert found.numbers == [0, 0, 0, 1] and (found.exact, found.near) == (0, 2)


def test_composed_and_decomposed_letters_are_alike():
    """One text in two Unicode forms is one text."""
    assert numbers("Über Ämter geht's später.", "U\u0308ber A\u0308mter geht's spa\u0308ter.") == [0, 0]


def test_scripts_without_spaces():
    """One character of a Chinese sentence changed makes a near copy, another sentence none."""
    text = "今天早上国王和王后在花园里散步，他们看见了一只非常漂亮的小鸟在树上唱歌。" * 2
    other = "我的叔叔住在遥远的海边城市，每个星期天他都会坐火车去看望他的老朋友们。" * 2
    assert numbers(text, text.replace("小鸟在树上", "小猫在树上", 1), other) == [0, 0, 1]


def test_short_texts_are_not_all_alike():
    """Texts shorter than a shingle are compared as they are."""
    assert numbers("No.", "Yes.", "I", "no.") == [0, 1, 2, 0]


def test_chains_are_one_group():
    """A ~ B and B ~ C put C with A, though those two differ more."""
    a = prose(1, 40)
    b = one_word_changed(a, 3)
    c = one_word_changed(one_word_changed(b, 18), 30)
    assert numbers(a, c, b) == [0, 0, 0]


def test_estimate_is_right():
    """Over many pairs the estimate is off by 0.04 on average at most, by 0.15 at worst."""
    errors = []
    for seed in range(60):
        text = prose(seed, 40)
        changed = text
        for at in range(seed % 8):
            changed = one_word_changed(changed, at * 4)
        one, other = signatures([text, changed])
        errors.append(abs((one == other).mean() - jaccard(text, changed)))
    assert np.mean(errors) < 0.04 and max(errors) < 0.15


def test_threshold_divides():
    """Pairs clearly above the threshold are joined and pairs clearly below are not."""
    for seed in range(40):
        text = changed = prose(seed, 50)
        for at in range(12):
            changed = one_word_changed(changed, at * 4)
            likeness = jaccard(text, changed)
            if abs(likeness - ALIKE) > 0.15:
                assert (numbers(text, changed) == [0, 0]) == (likeness > ALIKE), likeness


def test_a_text_of_any_length_takes_the_same():
    """A signature's size is fixed, and pieces of a long text leave no seam."""
    long = prose(3, 4000)
    whole, parts = signatures([long]), signatures([long[:15000], long[15000 - SHINGLE + 1 :]])
    assert whole.shape == (1, 128) and (whole[0] == parts.min(axis=0)).all()


def test_order_decides_only_the_numbers():
    """In any order the same texts are together."""
    texts = [t for seed in range(30) for t in (prose(seed), one_word_changed(prose(seed)))]
    shuffled = random.Random(0).sample(texts, len(texts))
    together = {frozenset(t for t, m in zip(texts, numbers(*texts)) if m == n) for n in numbers(*texts)}
    found = numbers(*shuffled)
    assert together == {frozenset(t for t, m in zip(shuffled, found) if m == n) for n in found}
    assert len(together) == 30


def test_equal_keys_are_translations():
    """Texts that share nothing but a key are one group; no key is no key."""
    assert group([prose(1), prose(2), prose(3), prose(4)], ["a", None, "a", None]).numbers == [0, 1, 0, 2]


def test_leakage_counts_exact_and_near():
    """A test text that is trained on counts as exact, one that nearly is as near, others not at all."""
    known = [prose(1), prose(2), one_word_changed(prose(2), 40)]
    asked = [prose(1), f" {prose(1)} ", one_word_changed(prose(1)), one_word_changed(prose(2)), prose(9)]
    assert leakage(asked, known) == (2, 2)
    assert leakage(asked, []) == (0, 0) and leakage([], known) == (0, 0)


def test_across_files_and_kinds(tmp_path):
    """Copies, near copies and translations share a number wherever they lie, a problem's question with a document."""
    write(tmp_path, "a.txt", f"{prose(1)}\n{prose(2)}\n")
    write(tmp_path, "b.csv", f"text,q,n\n{one_word_changed(prose(2))},,\n,{prose(1)},3\n{prose(4)},,\n")
    found = read(tmp_path, columns={"text": "text", "question": "q", "answer": "n"})
    assert [d.parallel for d in sorted(found.documents, key=lambda d: d.doc)] == [0, 1, 1, 2] and found.groups == [0]
    assert (found.card["duplicates.exact"], found.card["duplicates.near"]) == (1, 1)
    assert found.card["duplicates.largest_group"] == 2


def test_translations_by_a_column(tmp_path):
    """Rows of several files whose `parallel` column agrees are one group; an empty key is none."""
    write(tmp_path, "de.jsonl", '{"id": 7, "text": "Guten Morgen."}\n{"id": null, "text": "Na und?"}')
    write(tmp_path, "en.csv", 'id,text\n7,Good morning.\n"",So what?\n')
    found = read(
        tmp_path, columns={"text": "text", "parallel": "id"}, language="name", languages=["de", "en"]
    ).documents
    assert [(d.language, d.parallel) for d in found] == [("de", 0), ("en", 0), ("de", 1), ("en", 2)]

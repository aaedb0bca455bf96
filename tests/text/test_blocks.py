"""Token blocks and the mentions in them."""

import pytest

from sieve.text.blocks import Mention, load_blocks, locate, one_token, save_blocks, tokenize

CONTEXT = 256


def covered(text: str, offsets, mention: Mention) -> str:
    """The characters under a mention's tokens."""
    return text[offsets[mention.first][0] : offsets[mention.last][1]]


@pytest.fixture(scope="module")
def everything(lm, documents, problems):
    """(text, block, offsets, row) of every document and problem."""
    rows = [(r["text"], "text", r) for r in documents] + [(r["prompt"] + r["solution"], "problem", r) for r in problems]
    found = []
    for text, kind, row in rows:
        [block] = tokenize(lm.tokenizer, [row], kind, CONTEXT)
        found.append((text, block, lm.tokenizer(text, return_offsets_mapping=True)["offset_mapping"], row))
    return found


def test_every_span_is_mentioned(everything):
    """Every mention of a concept in the text is a mention in tokens, in the same order, with its concept and value."""
    for _, block, _, row in everything:
        assert [(m.concept, m.value) for m in block.mentions] == [(c["concept"], c["value"]) for c in row["concepts"]]
    assert sum(len(block.mentions) for _, block, _, _ in everything) > 100


def test_mentions_cover_their_word(everything):
    """A mention's tokens cover the whole word and not a word more; without the first of them the word is not whole."""
    for text, block, offsets, row in everything:
        for mention, span in zip(block.mentions, row["concepts"]):
            word = text[span["start"] : span["end"]]
            assert word in covered(text, offsets, mention)
            assert len(covered(text, offsets, mention).strip()) - len(word) <= 2
            first = mention.first + (text[slice(*offsets[mention.first])] == " ")
            assert word not in text[offsets[first][1] : offsets[mention.last][1]]


def test_the_last_token_has_seen_the_whole_word(lm, everything):
    """Decoding a block up to a mention's last token ends with the word, and up to the token before it does not."""
    for text, block, _, row in everything:
        for mention, span in zip(block.mentions, row["concepts"]):
            word = text[span["start"] : span["end"]]
            seen = lm.tokenizer.decode(block.ids[1 : mention.last + 1])
            assert word in seen[span["start"] :]
            assert word not in lm.tokenizer.decode(block.ids[1 : mention.last])[span["start"] :]


def test_one_token_is_the_word_with_its_space(lm, problems):
    """A mention is one token where its word, behind a space and alone, is one id; of those asked for only."""
    for concept in ("name", "animal"):
        spans = [(p["prompt"] + p["solution"], c) for p in problems for c in p["concepts"] if c["concept"] == concept]
        ids = lm.tokenizer([text[c["start"] - 1 : c["end"]] for text, c in spans], add_special_tokens=False)[
            "input_ids"
        ]
        wanted = [len(i) == 1 for i in ids]
        assert one_token(lm.tokenizer, problems, concept) == wanted
        assert len(set(wanted)) == 2
    assert one_token(lm.tokenizer, [], "name") == []


def test_a_problems_prompt_ends_at_solution(lm, everything):
    """The prompt's tokens are the text up to 'Solution:', the others are the solution; a text has no prompt."""
    for _, block, _, row in everything:
        if block.kind == "text":
            assert block.prompt == 0
            continue
        assert lm.tokenizer.decode(block.ids[1 : block.prompt]) == row["prompt"]
        assert row["prompt"].endswith("Solution:")
        assert lm.tokenizer.decode(block.ids[block.prompt :]) == row["solution"]


def test_a_prompt_is_what_is_asked(lm, everything):
    """A problem's prompt tokens are exactly the ids of its prompt alone, so that what is asked is what was trained."""
    for _, block, _, row in everything:
        if block.kind == "problem":
            assert list(block.ids[: block.prompt]) == lm.encode([row["prompt"]])[0]


def test_a_token_at_the_end_is_no_prompt(lm, problems):
    """A tokenizer that also adds a token at the end does not make the prompt longer."""
    import copy

    from tokenizers import processors

    other = copy.deepcopy(lm.tokenizer)
    other.backend_tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single="<bos> $A <eos>", special_tokens=[("<bos>", 1), ("<eos>", 2)]),
        ]
    )
    [plain], [closed] = (tokenize(t, problems[:1], "problem", CONTEXT) for t in (lm.tokenizer, other))

    assert closed.ids == (*plain.ids, 2)
    assert closed.prompt == plain.prompt


def test_a_block_is_its_document(lm, everything):
    """A block carries its document's ids, name, language, split, meaning and answer."""
    for text, block, _, row in everything:
        assert list(block.ids) == lm.encode([text])[0]
        assert (block.doc, block.language, block.split) == (row["doc"], row["language"], row["split"])
        assert block.parallel == row.get("parallel", -1)
        assert block.answer == row.get("answer", "")


def test_the_context_cuts_texts(lm, documents):
    """A text is cut at the context, and a mention that is not whole any more is left out."""
    whole = tokenize(lm.tokenizer, documents, "text", CONTEXT)
    for context in (5, 12, 20):
        for full, cut in zip(whole, tokenize(lm.tokenizer, documents, "text", context)):
            assert cut.ids == full.ids[:context]
            assert cut.mentions == tuple(m for m in full.mentions if m.last < context)


def test_a_problem_is_never_cut(lm, problems):
    """A problem longer than the context is refused by its name, with both lengths."""
    with pytest.raises(ValueError, match=rf"'{problems[0]['doc']}' takes \d+ tokens, but the context is 10"):
        tokenize(lm.tokenizer, problems, "problem", 10)


def test_nothing_to_tokenize(lm):
    """No rows give no blocks."""
    assert tokenize(lm.tokenizer, [], "text", CONTEXT) == []


def test_locate_by_overlap():
    """Tokens are found by overlap; tokens without characters and spans cut off at the end have no part in a mention."""
    offsets = [(0, 0), (0, 3), (3, 5), (5, 8), (8, 8), (8, 9)]

    def found(start, end, text="abcdefghi"):
        span = {"concept": "c", "value": "v", "start": start, "end": end}
        return [(m.first, m.last) for m in locate([span], offsets, text)]

    assert found(0, 3) == [(1, 1)]
    assert found(4, 8) == [(2, 3)]
    assert found(2, 9) == [(1, 5)]
    assert found(8, 9) == [(5, 5)]
    assert found(7, 12) == []
    assert found(20, 22) == []
    assert found(8, 9, text="abcde fg h") == [(5, 5)]


def test_locate_takes_in_a_space_of_its_own():
    """A space that is a token of its own belongs to the word after it, as it does where the two are one token."""
    span = {"concept": "c", "value": "v", "start": 2, "end": 4}

    assert locate([span], [(0, 1), (1, 2), (2, 4)], "a bc") == [Mention("c", "v", 1, 2)]
    assert locate([span], [(0, 1), (1, 4)], "a bc") == [Mention("c", "v", 1, 1)]


def test_blocks_come_back(blocks, tmp_path):
    """Saved blocks are read as they were, and saved again as the same bytes."""
    save_blocks(tmp_path / "a.parquet", blocks)
    save_blocks(tmp_path / "b.parquet", load_blocks(tmp_path / "a.parquet"))

    assert load_blocks(tmp_path / "a.parquet") == blocks
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_no_blocks_come_back(tmp_path):
    """A file of no blocks is typed and reads as none."""
    save_blocks(tmp_path / "a.parquet", [])

    assert load_blocks(tmp_path / "a.parquet") == []

"""The filter's stage and the controls that it needs: what they are given, what they write, what they refuse."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from sieve.features.langfir import Settings
from sieve.interventions.direction import Direction
from sieve.provenance import read_table
from sieve.text.controls import usable_ids
from stages import filter as filter_stage
from stages import tokens

HOW = Settings(sequences=24, mode="token", tau=0.3, kappa=0.6, tau_out=0.05, weights="mean")
PARAMS = SimpleNamespace(
    filter=SimpleNamespace(batch=4),
    seed=SimpleNamespace(data=0),
    tokens=SimpleNamespace(controls=SimpleNamespace(exclude_bytes=False, sequences=24)),
)


@pytest.fixture
def texts(blocks):
    """24 training documents of each language: eight, three times."""
    return [b for b in blocks if (b.kind, b.split) == ("text", "train")] * 3


@pytest.fixture
def noise(subject, texts):
    """What the stage of tokens writes for them."""
    columns = tokens.noise(PARAMS, subject.lm.tokenizer, texts)
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def of(noise, kind, language="de"):
    """A language's control sequences of one kind."""
    return [row["ids"] for row in noise if (row["kind"], row["language"]) == (kind, language)]


def test_every_control_begins_as_the_text_does_and_is_as_long(subject, texts, noise):
    """Each control has a sequence for each text, with BOS in front where the text has it."""
    own = [list(b.ids) for b in texts if b.language == "de"]
    for kind in filter_stage.CONTROLS:
        assert [len(ids) for ids in of(noise, kind)] == [len(ids) for ids in own]
        assert [ids[0] for ids in of(noise, kind)] == [ids[0] for ids in own]


def test_controls_take_from_the_text_what_they_say(texts, noise):
    """Shuffled ones have each text's own tokens in another order, unigram ones tokens of the language alone."""
    own = [list(b.ids) for b in texts if b.language == "de"]
    assert [sorted(ids) for ids in of(noise, "shuffled")] == [sorted(ids) for ids in own]
    assert of(noise, "shuffled") != own
    said = {i for ids in own for i in ids}
    assert {i for ids in of(noise, "unigram") for i in ids} <= said
    assert not {i for ids in of(noise, "random") for i in ids} <= said


def counted(folder, control):
    """The rows of counts.parquet against one control."""
    return [row for row in read_table(folder / "counts.parquet").to_pylist() if row["control"] == control]


def test_sample_mode_is_refused_by_the_languages_name(subject, texts, noise, tmp_path):
    """On a small vocabulary the stage stops, and says for which language, with its share."""
    sample = replace(HOW, mode="sample")
    with pytest.raises(ValueError, match=r"'de' uses 0\.\d+ of the vocabulary"):
        filter_stage.sift(PARAMS, sample, subject, texts, noise, tmp_path)


def test_sample_mode_counts_sequences(subject, texts, noise, tmp_path, monkeypatch):
    """Where it can work, a latent stays if few random sequences excite it, however loud it is in those."""
    monkeypatch.setattr(filter_stage, "require_rare", lambda *_: None)
    for tau_out, name in ((1.0, "all"), (0.0, "none")):
        how = replace(HOW, mode="sample", tau_out=tau_out)
        filter_stage.sift(PARAMS, how, subject, texts, noise, tmp_path / name)
    assert all(row["kept"] == row["consistent"] > 0 for row in counted(tmp_path / "all", "random"))
    assert all(row["kept"] == 0 for row in counted(tmp_path / "none", "random"))
    assert "use mode 'token', or raise tau_out" not in counted(tmp_path / "all", "random")[0]["note"]


def test_notes_name_the_control_and_little_text(subject, texts, noise, tmp_path):
    """With nothing allowed every consistent latent goes: the note says on what it fires, and that 24 texts are few."""
    filter_stage.sift(PARAMS, replace(HOW, kappa=0.0), subject, texts, noise, tmp_path)
    for control, called in filter_stage.CONTROLS.items():
        for row in counted(tmp_path, control):
            assert f"fire on {called} too" in row["note"] and "there are 24" in row["note"]


def test_parts_of_characters_can_be_kept_out_of_the_noise(subject, texts, tmp_path):
    """The option reaches the random tokens, the share that is printed, and the direction's file."""
    left_out = set(usable_ids(subject.lm.tokenizer)) - set(usable_ids(subject.lm.tokenizer, exclude_bytes=True))
    share, drawn = {}, {}
    for flag in (False, True):
        controls = SimpleNamespace(exclude_bytes=flag, sequences=24)
        params = SimpleNamespace(**vars(PARAMS) | {"tokens": SimpleNamespace(controls=controls)})
        columns = tokens.noise(params, subject.lm.tokenizer, texts)
        noise = [dict(zip(columns, row)) for row in zip(*columns.values())]
        drawn[flag] = {i for ids in of(noise, "random") for i in ids}
        filter_stage.sift(params, HOW, subject, texts, noise, tmp_path / str(flag))
        share[flag] = counted(tmp_path / str(flag), "random")[0]["vocabulary_share"]
        files = sorted((tmp_path / str(flag) / "directions").iterdir())
        assert files and all(Direction.load(path).origin["exclude_bytes"] is flag for path in files)
    assert drawn[False] & left_out and not drawn[True] & left_out
    assert share[True] != share[False]

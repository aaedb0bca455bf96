"""tools.check: mistakes in what components own are told together with those in fixed keys."""

from pathlib import Path

import pytest

from sieve.dictionary.variants import variants
from stages._params import ParamsError
from tools.check import check, main

ROOT = Path(__file__).parents[2]
OURS = [Path("params.yaml"), *sorted(path.relative_to(ROOT) for path in ROOT.glob("presets/*/params.yaml"))]
DEFAULT = (ROOT / "tests/assets/params.yaml").read_text(encoding="utf-8")


@pytest.fixture
def mistakes(tmp_path):
    """Write the default params with (old, new) replaced, and return the mistakes that are told."""

    def find(*changes: tuple[str, str]) -> list[str]:
        text = DEFAULT
        for old, new in changes:
            assert old in text, f"the default no longer holds {old!r}"
            text = text.replace(old, new, 1)
        path = tmp_path / "params.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ParamsError) as caught:
            check(path)
        return caught.value.mistakes

    return find


@pytest.mark.parametrize("path", OURS, ids=str)
def test_ours_are_free_of_mistakes(path):
    """The default and every preset pass, down to the settings of components."""
    check(ROOT / path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("fit: {steps: 2000,", "fit: {step: 2000,", "train.fit.step: unknown key; did you mean 'steps'?"),
        ("{steps: 600,", "{steps: six,", "orthogonalize.fit.steps: given 'six'; must be a valid integer"),
        ("    rank: 16\n", "", "adapt.fit.rank: missing"),
        ("    hidden: 128", "    hidden: 128.5", "model.pretrain.hidden: given 128.5; must be a valid integer"),
        ("{k: 4, ", "{n: 4, ", "train.subjects.topk.settings.k: missing"),
        ("geometry: {documents: 200}", "geometry: {}", "evaluate.questions.geometry.documents: missing"),
    ],
)  # fmt: skip
def test_settings_of_components(mistakes, old, new, told):
    """A mistake in any component's own mapping is told with its full place."""
    assert told in mistakes((old, new))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "variant: topk",
            "variant: tropk",
            ("train.subjects.topk: there is no variant 'tropk'", *variants()),
        ),
        ("    geometry:", "    geo:", ("evaluate.questions.geo: there is no question 'geo'", "geometry")),
    ],
)
def test_unknown_components(mistakes, old, new, told):
    """A variant or question that does not exist is told with those that do."""
    (mistake,) = mistakes((old, new))
    assert all(part in mistake for part in told)


def test_more_active_latents_than_there_are(mistakes):
    """k cannot exceed the number of latents."""
    assert mistakes(("settings: {k: 4,", "settings: {k: 513,")) == [
        "train.subjects.topk.settings.k: given 513, but there are only 512 latents; lower k or raise latents"
    ]


def test_everything_at_once(mistakes):
    """Fixed keys, references and components are told in one message, whatever else is wrong."""
    found = mistakes(
        ("groups: 5000", "groups: many"),
        ("{sae: cosine_0}", "{sae: cosine_1}"),
        ("    rank: 16\n", ""),
        ("variant: batchtopk", "variant: none"),
        ("    solving: {problems: 200, ", "    solving: {problems: all, "),
    )
    assert [mistake.split(": ")[0] for mistake in found] == [
        "dataset.groups",
        "adapt.subjects.adapted_0.sae",
        "adapt.fit.rank",
        "train.subjects.batchtopk",
        "evaluate.questions.solving.problems",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [("train:\n  fit: {steps: 2000", "train: 5\nrest:\n  fit: {steps: 2000"), ("variant: topk", "variant: 5")],
)
def test_broken_structure_is_told_once(mistakes, old, new):
    """Where a component's mapping cannot be found, only the structure is told."""
    told = "\n".join(mistakes((old, new)))
    assert "train.fit" not in told and "there is no variant" not in told


def test_pretraining_is_checked_only_where_there_is_any(tmp_path):
    """A model from a folder needs no settings for pretraining."""
    head, _ = DEFAULT.split("    vocabulary:")
    rest = DEFAULT[DEFAULT.index("  asked:") :]
    text = head.replace("  kind: pretrain", "  kind: folder").replace("  pretrain:\n", "  pretrain: {}\n") + rest
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    check(tmp_path / "params.yaml")


def test_files_are_checked_where_they_are_read(mistakes):
    """How files are read is checked when documents come from files; the default's example is sound."""
    (mistake,) = mistakes(("kind: generated", "kind: files"), ("columns: {text: text}", "columns: {}"))
    assert mistake.startswith("dataset.files: columns names no text")


def test_command_line(tmp_path, monkeypatch, capsys):
    """No mistakes: one line. Mistakes: the message on standard error and exit status 1."""
    path = tmp_path / "params.yaml"
    path.write_text(DEFAULT, encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["check", str(path)])
    main()
    assert capsys.readouterr().out == f"{path}: no mistakes\n"
    path.write_text("seed: 1", encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        main()
    assert "mistakes in" in str(caught.value.code)

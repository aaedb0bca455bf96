"""The two cards as the report shows them: nothing lost, nothing twice, and short where a person reads."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from stages._report.cards import counts, dataset_facts, files, languages, model_facts
from tests.stages.report_world import DATASET_CARD, LANGUAGES, MODEL_CARD, report, write_world


def test_every_figure_of_the_datasets_card_is_shown_once() -> None:
    """The tables of counts, files and facts hold the card's values, each in one place, and a 0 for an empty split."""
    shown = [value for row in counts(DATASET_CARD) for pair in row.splits for value in pair]
    shown += [sha256 for _, _, sha256 in files(DATASET_CARD)]
    shown += [fact.value for fact in dataset_facts(DATASET_CARD)]

    assert Counter(shown) == Counter(DATASET_CARD.values()) + Counter({0: 2})  # no problems for validation


def test_every_figure_of_the_models_card_is_shown_once() -> None:
    """The tables of languages and facts hold the card's values, ends of intervals beside their share."""
    shown = [value for figures in languages(MODEL_CARD).values() for value in figures]
    shown += [v for f in model_facts(MODEL_CARD) for v in (f.value, f.low, f.high) if v is not None]

    assert Counter(shown) == Counter(MODEL_CARD.values())


def test_counts_say_how_languages_are_balanced() -> None:
    """Shares of training characters sum to 1, and a language with problems stands once for these and once for texts."""
    rows = counts(DATASET_CARD)

    assert [(row.table, row.language) for row in rows] == [*(("texts", name) for name in LANGUAGES), ("problems", "de")]
    assert sum(row.share or 0.0 for row in rows) == pytest.approx(1.0)
    assert rows[-1].share == pytest.approx(2_544_766 / sum(row.splits[0][1] for row in rows))


def test_what_was_not_measured_is_no_number() -> None:
    """Text in a single language has no continuations to judge, and a card without text no share."""
    assert languages({"bits_per_byte.en": 0.8, "ngram.bits_per_byte.en": 0.9}) == {"en": [0.8, 0.9, None]}
    assert counts({"texts.en.test": 3})[0] == ("texts", "en", ((0, 0), (0, 0), (3, 0)), None)


def test_the_page_shows_both_cards(tmp_path: Path) -> None:
    """Digests are short, with the whole one behind them; intervals stand beside their share; nothing else says it."""
    write_world(tmp_path)
    page = (report(tmp_path, tmp_path) / "report" / "index.html").read_text(encoding="utf-8")

    for digest in (value for card in (DATASET_CARD, MODEL_CARD) for value in card.values() if len(str(value)) == 64):
        assert page.count(f'<code title="{digest}">{digest[:12]}…</code>') == page.count(str(digest)) == 1
    assert re.search(r"Problems solved, test split</th>\s*<td>0\.995<small>0\.98–1\.00</small>", page)
    assert re.search(r"Held-out entries that copy training text</th>\s*<td>0</td>", page)
    assert page.count("27,009<small>5,400,099</small>") == page.count("CC BY-SA 4.0") == 1

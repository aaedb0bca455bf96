"""What the report says of languages, from invented rows whose figures are known."""

import re

import pytest

from stages._report.ablations import removals
from stages._report.languages import (
    FIGURES,
    best_monolingual,
    comparison,
    diagonal_share,
    inside_band,
    jaccard,
    judges,
    likeness,
    monolingual_rival,
    read_in,
    rivals,
    same_kind,
    selectivity,
    selectivity_ratio,
    summary,
)
from stages._report.plots import ablation_plots, steering_plots
from stages._report.selectivity import COLUMNS, profiles, stability_plots
from stages._report.subjects import Lineage, Row, Subject

RISES = {("de", "de"): 1.0, ("de", "en"): 0.2, ("en", "de"): 0.5, ("en", "en"): 0.4}
OTHERS = {"residual": 0.5, "dimensions_mono": 0.6, "filtered": 0.99, "diffmean": 0.9}
BAND = {("de", "en"): 0.3, ("en", "de"): 0.3, ("de", "de"): 0.1, ("en", "en"): 0.1}


def subject(name="base", seed=0, kind="base", right=0.8, rises=RISES):
    """A subject that was asked about two languages."""
    rows = {("language_ablation", "ce", language): row(1.5) for language in ("de", "en")}
    for (a, b), value in rises.items():
        rows["language_ablation", "delta_ce", f"ablate {a}/on {b}"] = row(value, "zero")
    for (a, b), high in BAND.items():
        rows["language_ablation", "delta_ce", f"random {a}/on {b}"] = Row(0.0, -high, high, 20, "")
    for language, kept in (("de", 30.0), ("en", 10.0)):
        rows["language_latents", "ratio", f"kept {language}"] = row(kept)
        rows["language_latents", "ratio", f"filtered {language}"] = row(2.0)
        rows["language_latents", "jaccard", f"text 100/{language}"] = row(kept / 50)
        rows["language_latents", "jaccard", f"text 10/{language}"] = row(0.0)
        rows["language_latents", "jaccard", f"noise 100/{language}"] = row(1.0)
    rows["language_latents", "kept_share", ""] = row(0.03)
    for method, accuracy in {
        "langfir": right,
        "residual": 0.5,
        "dimensions_mono": 0.6,
        "filtered": 0.99,
        "diffmean": 0.9,
    }.items():
        rows["steering", "method_accuracy", method] = row(accuracy)
    return Subject(Lineage(name, "train", None, None, "resid_post_1", None, seed, kind), rows, [], [], [], [])


def row(value, note=""):
    """A figure without an interval."""
    return Row(value, None, None, 1, note)


def test_own_language_worst():
    """German suffers most from the loss of its own latents, English's cost German more than English."""
    assert diagonal_share(subject()) == 0.5
    assert diagonal_share(subject(rises={("de", "de"): 1.0, ("de", "en"): 0.2})) == 0.5  # English keeps nothing
    assert diagonal_share(subject(rises={})) is None


def test_the_heat_map_has_a_row_for_what_is_removed_and_a_column_for_the_text():
    """Cells in reading order; a pair that was not measured is a dash, and losses have one scale over subjects."""
    plain, partly = subject(), subject("partly", rises={("de", "de"): 1.0, ("en", "de"): -0.5})
    drawn = ablation_plots([plain, partly])
    cells = [re.findall(r">([+−]\d\.\d\d|–)<", plot.svg) for plot in drawn]
    assert cells == [["+1.00", "+0.20", "+0.50", "+0.40"], ["+1.00", "–", "−0.50", "–"]]
    assert re.findall(r">(latents removed|language of the text[^<]*)<", drawn[0].svg)[0].startswith("language of")
    fills = [re.findall(r"fill: (#\w{6}); stroke", plot.svg) for plot in drawn]
    assert fills[0][0] == fills[1][0]  # 1.0 and 1.0
    assert ablation_plots([subject(rises={})]) == []


def test_the_steering_curve_goes_through_what_was_measured():
    """A line per language, from the weakest strength to the strongest; beside it how surprising what was written is."""
    one = subject()
    accuracy = {"de": {0.0: 0.0, 0.5: 0.75, 1.0: 0.25}, "en": {1.0: 1.0, 0.0: 0.5, 0.5: 0.5}}
    for language, curve in accuracy.items():
        for strength, value in curve.items():
            one.rows["steering", "accuracy", f"{language}/{strength}"] = row(value)
            one.rows["steering", "ce", f"{language}/{strength}"] = row(2 + strength)
    (plot,) = steering_plots([one])
    lines = [
        [tuple(map(float, point.split())) for point in re.split("[ML]", path)[1:]]
        for path in re.findall(r'<path d="(M[^"]*)" clip-path[^>]*stroke-width: 1.8', plot.svg)
    ]
    assert [len(line) for line in lines] == [3, 3, 3, 3]  # two languages, two panels
    for line, curve in zip(lines, accuracy.values()):
        (x0, _), (x1, _), (x2, _) = line
        assert x1 - x0 == pytest.approx(x2 - x1, abs=0.01) and x1 > x0
        heights = [value for _, value in sorted(curve.items())]
        unit = (lines[0][0][1] - lines[0][1][1]) / 0.75  # the first line rises by .75
        drawn = [(line[0][1] - y) / unit for _, y in line]
        assert [height - heights[0] for height in heights] == pytest.approx(drawn, abs=0.01)
    assert lines[2] == lines[3] and lines[2][0][1] > lines[2][2][1]


def test_ways_of_removing_stand_beside_each_other():
    """Means over seeds of own and other languages' losses, in each way and of the controls; one alone is no table."""
    listed = [subject("a_1", 1), subject("a_2", 2, rises={pair: 3 * rise for pair, rise in RISES.items()})]
    for one in listed:
        one.rows["language_ablation", "delta_ce", "mean_later de/on de"] = row(0.1, "mean_later")
        one.rows["language_ablation", "delta_ce", "mean_later de/on en"] = row(0.5, "mean_later")
    first, random, later = removals(listed)
    assert first == ("kept, zero", pytest.approx(1.4), pytest.approx(0.7), 0.5)
    assert later == ("kept, mean, later", pytest.approx(0.1), pytest.approx(0.5), 0.0)
    assert (random.name, random.own, random.others) == ("control: random", 0.0, 0.0)
    for one in listed:
        for key in [key for key in one.rows if key[2].startswith(("random", "mean"))]:
            del one.rows[key]
    assert removals(listed) == []


def test_inside_the_band_of_random_latents():
    """Of two losses of another language, .2 is below its band's .3, and .5 is not; a language's own is not asked."""
    assert inside_band(subject()) == 0.5


def test_the_band_of_a_way_is_that_way_s():
    """Projecting out costs others more, and so do random latents' atoms; without these there is no band."""
    one = subject()
    assert FIGURES["inside_band_project"][-1](one) is None
    for (a, b), value in RISES.items():
        one.rows["language_ablation", "delta_ce", f"project {a}/on {b}"] = row(value + 1, "project")
        one.rows["language_ablation", "delta_ce", f"random_project {a}/on {b}"] = Row(1.0, 0.0, 1.45, 20, "")
    assert FIGURES["inside_band_project"][-1](one) == 0.5


def test_selectivity_stands_alone_and_over_what_was_filtered_out():
    """Medians over languages: 20, and over 2; a language that drops nothing counts in the first alone."""
    one = subject()
    assert (selectivity(one), selectivity_ratio(one)) == (20, 10)
    del one.rows["language_latents", "ratio", "filtered en"]
    assert (selectivity(one), selectivity_ratio(one)) == (20, 15)


def test_stability_at_a_size():
    """Mean over languages at that number of texts, or of random sequences, and at no other."""
    assert jaccard(subject(), 100) == pytest.approx(0.4)
    assert jaccard(subject(), 100, "noise") == 1
    assert jaccard(subject(), 10) == 0
    assert jaccard(subject(), 50) is None


def test_the_best_monolingual_rival_is_no_control_and_needs_one_language():
    """Neither LangFIR, nor its filtered latents, nor DiffMean, which needs all languages."""
    assert best_monolingual(subject()) == 0.6
    assert [
        name
        for name in ("langfir", "filtered", "consistent", "random_latents", "diffmean", "lape")
        if monolingual_rival(name)
    ] == []


def test_the_summary_is_of_the_first_subject_over_its_seeds():
    """Means over seeds of the first kind; another kind has keys of its own; what a seed lacks is not made up."""
    listed = [subject("a_1", 1), subject("other", 0, "other", right=0.1), subject("a_2", 2, right=0.6)]
    assert [[s.name for s in group] for group in same_kind(listed)] == [["a_1", "a_2"], ["other"]]
    found = summary(listed)
    assert set(found) == {f"langfir.{of}{key}" for key in FIGURES for of in ("", "a_1.", "other.")}
    assert found["langfir.a_1.steering_accuracy"] == found["langfir.steering_accuracy"]
    assert found["langfir.other.steering_accuracy"] == pytest.approx(0.1)
    nothing = subject("nothing", 0, "nothing")
    nothing.rows.clear()
    nothing.rows["language_latents", "kept_share", ""] = row(0.0)
    assert summary([subject(), nothing])["langfir.nothing.kept_share"] == 0  # 0 is an answer
    assert found["langfir.steering_accuracy"] == pytest.approx(0.7)
    assert found["langfir.diffmean_accuracy"] == 0.9
    assert found["langfir.steering_fluent"] is None
    assert summary([subject("a_1", 1), subject("a_2", 2, rises={})])["langfir.diagonal_share"] is None


def test_tables_are_of_groups_and_of_methods():
    """A line for each kind that was asked, and one for each method that found something, the most accurate first."""
    silent = Subject(Lineage("none", "train", None, None, "s", None, 0, "none"), {}, [], [], [], [])
    listed = [subject("a_1", 1), subject("a_2", 2), silent]
    assert [name for name, _ in comparison(listed)] == ["a_1 a_2"]
    assert [rival.name for rival in rivals(listed)] == [
        "filtered",
        "diffmean",
        "langfir",
        "dimensions_mono",
        "residual",
    ]


def overlapping(seed=0, left_out=()):
    """A subject whose continuations were compared with translations into two languages."""
    rows = {
        ("steering", "judged", f"{judge}/{name}"): row(0.9)
        for judge in ("ngrams", "py3langid")
        for name in ("de", "en")
    }
    for name, german in (("native", 60.0), ("another text", 20.0), ("langfir", 40.0 + 2 * seed)):
        for language, value in (("de", german), ("en", german + 10)):
            rows["steering", "chrf", f"{name}/{language}"] = row(value)
    rows |= {("steering", "chrf_left_out", language): Row(None, None, None, 0, "no") for language in left_out}
    return Subject(
        Lineage(f"kept_{seed}", "train", None, None, "resid_post_1", None, seed, "kept"), rows, [], [], [], []
    )


def test_overlap_is_a_mean_over_languages_that_can_be_read_and_over_seeds():
    """Marks come first; a language in which native text overlaps no more than another is left out of all of them."""
    found = {one.name: one.chrf for one in likeness([overlapping(1), overlapping(2)])}
    assert list(found.items()) == [("native", 65), ("another text", 25), ("langfir", 48)]
    assert {one.name: one.chrf for one in likeness([overlapping(1, ["en"])])}["langfir"] == 42
    assert likeness([overlapping(1, ["de", "en"])]) == [] and likeness([subject()]) == []
    read = read_in([overlapping(1, ["en"]), overlapping(2)])
    assert read == {"bleu": [], "chrf": ["de"]}


def test_a_method_that_misses_a_language_keeps_its_line():
    """Its mean over fewer languages would not compare with the others'; the line stays, without a figure."""
    missing = overlapping(1)
    del missing.rows["steering", "chrf", "langfir/en"]
    assert {one.name: one.chrf for one in likeness([missing])} == {"native": 65, "another text": 25, "langfir": None}


def test_seeds_show_their_spread_and_their_strengths():
    """The least and the largest seed; one seed has its own interval. A strength at an end is marked."""
    two = [subject("a", 1, right=0.2), subject("b", 2, right=0.8)]
    for one, (strength, note) in zip(two, ((0.5, "the weakest that was tried"), (0.75, ""))):
        one.rows["steering", "method_strength", "langfir"] = Row(strength, None, None, 0, note)
    (langfir,) = [rival for rival in rivals(two) if rival.name == "langfir"]
    assert (langfir.accuracy, langfir.spread.low, langfir.spread.high) == (0.5, 0.2, 0.8)
    assert langfir.strengths == [(0.5, True), (0.75, False)]
    two[0].rows["steering", "method_accuracy", "langfir"] = Row(0.2, 0.1, 0.4, 9, "")
    (langfir,) = [rival for rival in rivals(two[:1]) if rival.name == "langfir"]
    assert (langfir.spread.low, langfir.spread.high) == (0.1, 0.4)


def test_judges_stand_with_their_share_of_real_text():
    """Both judges, each with all languages; none where nothing was judged."""
    assert [(judge, [name for name, _ in rows]) for judge, rows in judges([overlapping()])] == [
        ("ngrams", ["de", "en"]),
        ("py3langid", ["de", "en"]),
    ]
    assert judges([subject()]) == []


def test_profiles_are_means_over_seeds_with_the_nearest_language():
    """Figures of two seeds are averaged; the largest overlap with another language is named, whichever comes first."""
    two = [subject("a", 1), subject("b", 2)]
    for one, share in zip(two, (0.1, 0.3)):
        one.rows["language_latents", "overlap", "de/en"] = row(share)
        one.rows["language_latents", "auroc", "kept de"] = row(share)
        one.rows["language_latents", "second_domain", "en"] = row(0.5)
    german, english = profiles(two)
    assert (german.language, german.nearest, german.overlap, german.filtered) == ("de", "en", pytest.approx(0.2), 2.0)
    assert dict(zip(COLUMNS, german.figures)) == {
        "latents": 1, "ratio": 30, "same_script": None, "auroc": pytest.approx(0.2), "entropy": None
    }  # fmt: skip
    assert (english.nearest, english.problems, german.problems) == ("de", 0.5, None)


def test_stability_is_drawn_where_text_was_drawn_anew():
    """One figure for the first kind of subjects; none where nothing was resampled."""
    (plot,) = stability_plots([subject("a", 1), subject("b", 2)])
    assert "other text" in plot.svg and "other noise" in plot.svg
    assert stability_plots([overlapping()]) == []
    one_size = subject("a", 1)
    for language in ("de", "en"):
        del one_size.rows["language_latents", "jaccard", f"text 10/{language}"]
    assert stability_plots([one_size]) == []

"""The report: one offline page, its plots and a flat summary, from invented answers of six subjects."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sieve.provenance import read_json, read_table, write_table
from stages._params import Contrast
from stages._report.ablations import matrices, removals
from stages._report.contrasts import figures
from stages._report.languages import FIGURES
from stages._report.page import difference, verdicts
from stages._report.plots import training_plots
from stages._report.purity import PANELS, purity_plots
from stages._report.readings import doses
from stages._report.seeds import seed_plots
from stages._report.subjects import Lineage, Row, Subject, by_penalty, lineage, read_subjects, referred
from stages._report.summary import KEYS, summarise
from stages._report.svg import NAMESPACE
from stages._report.swap_plots import swap_plots
from tests.stages.report_world import (
    FEW,
    HOSTILE,
    LANGUAGES,
    NO_LANGUAGES,
    NO_PROBLEMS,
    ROWS,
    SITE,
    SITES,
    invented_params,
    report,
    write_matches,
    write_world,
)

LOADS = r"https?:|://|@import|fetch\(|XMLHttpRequest|<script|<link|<iframe|<image|\bsrc=|href=\"(?!#|examples/\w+\.html\"|\.\./index\.html\")|url\((?!#)"

SPANS = ("colspan", "rowspan")

NO_SUCH = "no success on validation pairs lies in 0.3 to 0.8; here 0.9"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in which every question applies (and the world it was made from, beside it)."""
    folder = tmp_path_factory.mktemp("full")
    write_world(folder)
    return report(folder, folder)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of a world without languages and without problems."""
    folder = tmp_path_factory.mktemp("bare")
    write_world(folder, languages=False, problems=False)
    return report(folder, folder)


def _subjects(world: Path) -> list[Subject]:
    return read_subjects(
        lineage(invented_params(), SITE), *(world / name for name in ("evaluate", "filter", "history"))
    )


def _rows(path: Path) -> list[dict[str, Any]]:
    return read_table(path).to_pylist()


def _written(folder: Path) -> dict[str, str]:
    files = sorted(path for path in (folder / "report").rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


@pytest.mark.parametrize("world", ["full", "bare"])
def test_nothing_written_can_load_anything(world: str, request: pytest.FixtureRequest) -> None:
    """No file of the report holds an address, a script, an import, a linked file or a request."""
    for name, text in _written(request.getfixturevalue(world)).items():
        text = text.replace(f' xmlns="{NAMESPACE}"', "", 1) if name.endswith(".svg") else text

        assert re.findall(LOADS, text) == [], name


@pytest.mark.parametrize("world", ["full", "bare"])
def test_the_summary_holds_every_key_for_every_subject(world: str, request: pytest.FixtureRequest) -> None:
    """The summary's keys are exactly subject × KEYS, adaptation's own, contrasts', languages' and the card's."""
    summary = read_json(request.getfixturevalue(world) / "summary.json")

    asked = {f"{subject}.{key}" for subject in invented_params().subjects for key in KEYS}
    card = read_json(request.getfixturevalue(world) / "model.json")
    numbers = {key for key, value in card.items() if type(value) in (int, float)}
    told = {key if key.startswith("ngram.") else f"model.{key}" for key in numbers}
    others = {key for key in summary if not key.startswith(("orthogonality.", "ceiling."))}
    kinds = [f"{name}." for name in invented_params().subjects] if world == "full" else []
    languages = {f"langfir.{kind}{key}" for key in FIGURES for kind in ("", *kinds)}
    assert others == asked | told | {"adapt.problem_accuracy_weight0"} | languages


def test_the_page_explains_every_key(full: Path) -> None:
    """Each key's meaning and source stand on the page."""
    page = _written(full)["report/index.html"]

    assert [key for key in KEYS if f'id="key-{key}"' not in page] == []


def test_every_key_has_a_value_where_every_question_applies(full: Path) -> None:
    """In a world with languages and problems no key is null but what is left of a weight that there is none of."""
    nulls = {key for key, value in read_json(full / "summary.json").items() if value is None}

    assert nulls == {"topk.welch_excess_ratio", "batchtopk.welch_excess_ratio"}


def test_the_best_multiplier_is_the_one_with_the_highest_success(full: Path) -> None:
    """`swap_strength` names the multiplier at which `swap_success` was highest, and the other keys are taken there."""
    summary = read_json(full / "summary.json")

    taken = [summary[f"cosine_0.swap_{key}"] for key in ("strength", "success", "kept")]
    assert taken == pytest.approx([2.0, 0.36, 0.88 - 0.3 * 0.36])


def test_precision_and_recall_are_of_the_concept_that_is_swapped(full: Path) -> None:
    """The first concept's, of the pick that is used and of the most selective one; not those of other concepts."""
    summary = read_json(full / "summary.json")

    taken = [summary[f"topk.concept_{key}"] for key in ("precision", "selective_precision", "recall")]
    assert taken == pytest.approx([0.97, 0.77, 0.91])


def test_a_verdict_says_that_its_sides_diverge_apart(full: Path) -> None:
    """Where both divergences are known the sentence has them; a stronger swap may succeed by that alone."""
    said = verdicts(
        read_subjects(lineage(invented_params(), SITE), *(full / d for d in ("evaluate", "filter", "history")))
    )

    assert said and all("nats a token, so this is no comparison at equal divergence" in sentence for sentence in said)


def test_success_is_drawn_against_divergence_for_every_family(full: Path, bare: Path) -> None:
    """One drawing per trained dictionary with a swap answer; every subject that descends from it has a line there."""
    drawn = {name: text for name, text in _written(full).items() if "swap_dose" in name}

    assert {Path(name).stem for name in drawn} == {"swap_dose_topk_cosine_full", "swap_dose_batchtopk"}
    for name in invented_params().subjects:
        family = "batchtopk" if name == "batchtopk" else "topk_cosine_full"
        assert f">{name}</text>" in drawn[f"report/plots/swap_dose_{family}.svg"]
    assert not any("swap_dose" in name for name in _written(bare))


def test_the_first_pairs_can_be_read(full: Path, bare: Path) -> None:
    """Four of them, under no swap, the swap and random latents at the chosen strength, whatever came of each."""
    found = re.findall(r'<table class="worked">(.*?)</table>', _written(full)["report/index.html"], flags=re.S)
    first = [re.sub(r"\s+", " ", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", found[0], flags=re.S)]

    assert len(found) == 4 * len(invented_params().subjects)
    assert "Anna to Ben" in found[0] and first[1] == "Anna has 0 apples. &lt;script&gt;alert(1)&lt;/script&gt;"
    assert first[3::3] == ["no swap", "swap", "random latents"]
    assert first[4::3] == ["Anna eats one, none.", "Ben eats one, swap.", "Anna eats one, random."]
    assert first[5::3] == [f"{said}<small>answer lost</small>" for said in ("no success", "success", "no success")]
    assert 'class="worked"' not in _written(bare)["report/index.html"]


def unanswered(subject: Subject) -> Subject:
    """The same subject, of a model that solves nothing: no swap has an answer to keep."""
    if subject.curve is None:
        return subject
    items = {case: [item._replace(kept=None) for item in own] for case, own in subject.curve.items.items()}
    return replace(subject, curve=replace(subject.curve, items=items))


def test_several_seeds_are_one_figure(full: Path, tmp_path: Path) -> None:
    """A kind of dictionary has it as soon as one weight was swapped from two seeds, and then one family's plots."""
    params = invented_params()
    params.train.subjects["again"] = SimpleNamespace(**{**vars(params.train.subjects["topk"]), "seed": 1})
    for name in ("cosine_0", "cosine_5"):
        again = {**vars(params.orthogonalize.subjects[name]), "sae": "again"}
        params.orthogonalize.subjects[f"again_{name}"] = SimpleNamespace(**again)
    params.subjects += ["again", "again_cosine_0", "again_cosine_5"]
    write_world(tmp_path, params)

    drawn = [Path(name).stem for name in _written(report(tmp_path, tmp_path, params)) if name.endswith(".svg")]

    assert [name for name in drawn if name.startswith("seeds")] == ["seeds_topk"]
    assert not [name for name in drawn if name.startswith("swap") and "again" in name]
    assert not [name for name in _written(full) if "plots/seeds" in name]
    subjects = read_subjects(lineage(params, SITE), *(tmp_path / name for name in ("evaluate", "filter", "history")))
    assert len(seed_plots(subjects)) == 1 and seed_plots([replace(s, reference=None) for s in subjects]) == []
    (plot,), (bare,) = seed_plots(subjects), seed_plots([unanswered(subject) for subject in subjects])
    assert "swap success" in plot.alt and "swap success" in bare.alt
    assert "answers kept" in plot.alt and "answers kept" not in bare.alt
    said = verdicts(subjects)
    assert said and said == verdicts([subject for subject in subjects if subject.line.seed == 0])


def test_a_contrast_is_what_its_subjects_differ_by(full: Path, bare: Path) -> None:
    """At one strength they diverge alike, so the gain is the difference of their successes there; the page says so."""
    summary, page = read_json(full / "summary.json"), _written(full)["report/index.html"]
    gain = (round(60 * 0.36 * 0.6 * 1.15) - round(60 * 0.36 * 1.15)) / 60

    assert summary["orthogonality.swap_gain"] == pytest.approx(gain)
    assert summary["orthogonality.swap_gain_low"] < gain < summary["orthogonality.swap_gain_high"]
    other = [summary[f"orthogonality.swap_gain_exchanged{end}"] for end in ("_low", "", "_high")]
    assert other == sorted(other) and len(set(other)) == 3 and other[1] == pytest.approx(gain)
    assert summary["orthogonality.kept_answer_change"] == 0
    assert summary["orthogonality.welch_excess_ratio"] == pytest.approx(summary["adapted_5.welch_excess_ratio"])
    assert summary["orthogonality.configurations_tried"] == 3
    ends = [f"{summary[f'orthogonality.swap_gain{end}']:+.2f}".replace("-", "−") for end in ("_low", "_high")]
    other = [f"{value:+.2f}".replace("-", "−") for value in other]
    cells = [
        f"−{abs(gain):.2f}<small>{' to '.join(ends)}</small>",
        f"{other[1]}<small>{other[0]} to {other[2]}</small>",
    ]
    assert "\n".join(f"<td>{cell}</td>" for cell in cells) in page
    assert "What subjects gain" in page and "What subjects gain" not in _written(bare)["report/index.html"]
    assert read_json(bare / "summary.json")["orthogonality.swap_gain"] is None


def test_ways_of_removing_are_a_table(full: Path) -> None:
    """Own and other languages' losses of each way stand in its row, in that order."""
    page = _written(full)["report/index.html"]
    own, others = next(one[1:3] for one in removals(_subjects(full)) if one.name == "kept, mean, later")
    assert f'<th scope="row">kept, mean, later</th><td>{own:.3f}</td><td>{others:.3f}</td>' in page and own > others
    assert '<th scope="row">kept, project</th>' in page


def test_every_pair_s_cost_stands_with_its_interval(full: Path) -> None:
    """A matrix for each way and control, by its name; in a control's cells stand intervals."""
    found = matrices(_subjects(full)[0])
    page = _written(full)["report/index.html"]
    assert {matrix.name for matrix in found} == {
        "kept, zero", "kept, project", "kept, mean, later", "kept for no other", "control: random",
        "control: random, project",
    }  # fmt: skip
    for matrix in found:
        assert list(matrix.lines) == matrix.texts == list(LANGUAGES)
        assert f"<caption>{matrix.name}: rise of the column" in page
    row = found[-1].lines[LANGUAGES[0]][1]
    assert f"<td>{row.value:.3f}<small>{row.low:.3f} to {row.high:.3f}</small></td>".replace("-", "−") in page


def test_kinds_of_subjects_are_compared_by_their_language_latents(full: Path) -> None:
    """Fewer, purer, stronger: a panel for each, a dot a subject, in its place; of one kind there is no figure."""
    subjects = _subjects(full)
    (plot,) = purity_plots(subjects)
    assert [title for title, _ in PANELS if title.replace("'", "&#x27;") not in plot.svg.replace("'", "&#x27;")] == []
    assert [subject.name for subject in subjects if subject.name not in plot.svg] == []
    dots = [float(x) for x in re.findall(r'<use [^>]*x="([\d.]+)"[^>]*fill-opacity: 0.55', plot.svg)]
    (_, take) = PANELS[0]
    values = [take(subject) for subject in subjects]
    assert len(dots) == len(PANELS) * len(subjects)
    assert [dots[0] < x for x in dots[1 : len(subjects)]] == [values[0] < value for value in values[1:]]
    assert purity_plots(subjects[:1]) == [] and f"{plot.name}.svg" in {Path(name).name for name in _written(full)}


@pytest.mark.parametrize("world", ["full", "bare"])
def test_every_line_of_a_table_is_as_long_as_its_headings(world: str, request: pytest.FixtureRequest) -> None:
    """A cell under a wrong heading would be a wrong figure."""
    for name, text in _written(request.getfixturevalue(world)).items():
        for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
            assert len(set(_widths(table))) == 1, (name, _widths(table), table[:200])


def _widths(table: str) -> list[int]:
    """How many columns each line fills, with cells that reach over several lines or columns."""
    lines = re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    widths = [0] * len(lines)
    for number, line in enumerate(lines):
        for cell in re.findall(r"<t[hd]\b[^>]*>", line):
            columns, rows = (int(found[1]) if (found := re.search(rf'{span}="(\d+)"', cell)) else 1 for span in SPANS)
            for below in range(number, number + rows):
                widths[below] += columns
    return widths


def test_what_a_judge_knows_too_little_of_is_told(full: Path) -> None:
    """Beside the language that it was taught by few documents of, and no other."""
    assert re.findall(r"<td>([\d.]+)<small>(taught[^<]*)</small>", _written(full)["report/index.html"]) == [
        ("0.90", FEW)
    ]


def test_a_strength_with_another_success_than_asked_for_is_told(tmp_path: Path) -> None:
    """A baseline without one is counted and named on the page with its reason."""
    write_world(tmp_path)
    path = tmp_path / "evaluate/adapted_0/rows.parquet"
    rows = [{**row, "note": NO_SUCH if row["metric"] == "strength" else row["note"]} for row in _rows(path)]
    write_table(path, {name: [row[name] for row in rows] for name in ROWS.names}, ROWS)
    written = report(tmp_path, tmp_path)

    assert read_json(written / "summary.json")["orthogonality.baselines_outside"] == 1
    page = _written(written)["report/index.html"]
    assert f"<p>adapted_0: {NO_SUCH}.</p>" in page and "<td>1</td><td>3</td></tr>" in page


def test_of_several_seeds_the_least_is_told(full: Path) -> None:
    """A contrast's gain is the mean of its seeds' own, `_least` the lowest of them."""
    one, other = (["adapted_5"], ["adapted_0"]), (["cosine_0"], ["batchtopk"])
    pairs = {"one": one, "other": other, "both": tuple(a + b for a, b in zip(one, other))}

    found = figures({name: Contrast(of=of, over=over, tried=0) for name, (of, over) in pairs.items()}, _subjects(full))
    alone = [found["one.swap_gain"], found["other.swap_gain"]]

    assert alone[0] != alone[1]
    assert found["both.swap_gain"] == pytest.approx(sum(alone) / 2)
    assert found["both.swap_gain_least"] == pytest.approx(min(alone))


def test_success_stands_beside_the_ceiling(full: Path) -> None:
    """As a share of it too; where nothing could be had, there is no share."""
    summary = read_json(full / "summary.json")
    (subject,) = [s for s in _subjects(full) if s.name == "topk"]
    nothing = {key: row._replace(value=0.0) for key, row in subject.rows.items() if key[0] == "ceiling"}

    share = summary["topk.swap_success"] / summary["topk.ceiling"]
    assert summary["topk.swap_of_ceiling"] == pytest.approx(share)
    assert KEYS["swap_of_ceiling"].take(replace(subject, rows={**subject.rows, **nothing})) is None


def test_geometry_says_what_a_mean_cannot_promise(full: Path) -> None:
    """Beside the table: codes are certainly unique by the largest cosine, and copies of a basis have the least mean."""
    page = _written(full)["report/index.html"]
    words = " ".join(re.sub("<[^>]+>", "", page[page.index('id="geometry"') :]).split())
    assert "takes the largest |cos|, M. A code of fewer than ½ (1 + 1/M) latents is certainly unique" in words
    assert "1.18" in words  # unique_below


def test_doses_are_strengths_above_zero_in_order() -> None:
    """10 comes after 2, what is only dropped is no dose, and controls are none of the swap's."""
    rows = {
        ("swap", metric, case): Row(value, None, None, 60, "")
        for metric, value in {"kl": 0.1, "success": 0.5}.items()
        for case in ("none", "swap/10", "swap/0", "swap/2", "random/2")
    }
    subject = Subject(Lineage("s", "train", None, None, "resid_post_0"), rows, [], [], [], [])

    assert list(doses(subject)) == ["swap/2", "swap/10"]
    assert [(kl.value, success.value) for kl, success in doses(subject).values()] == [(0.1, 0.5)] * 2


def test_adaptation_has_a_figure_of_its_own(full: Path) -> None:
    """It is what the adapted subject of weight 0 solves: not its dictionary, nor one whose dictionary has no weight."""
    summary = read_json(full / "summary.json")
    assert summary["adapt.problem_accuracy_weight0"] == summary["adapted_0.answers"] == pytest.approx(0.98)

    rows = {("solving", "answer", "spliced"): Row(0.7, None, None, 10, "")}
    others = [("orthogonalize", 0.0), ("adapt", None), ("adapt", 5.0)]
    lines = [Lineage(f"s{n}", stage, weight, "topk", "resid_post_0") for n, (stage, weight) in enumerate(others)]
    subjects = [Subject(line, rows, [], [], [], []) for line in lines]
    assert summarise(subjects, {})["adapt.problem_accuracy_weight0"] is None


def test_the_same_inputs_give_the_same_bytes(full: Path, tmp_path: Path) -> None:
    """A second run writes the same files, byte for byte."""
    again = report(full, tmp_path)

    assert _written(again) == _written(full)
    assert (again / "summary.json").read_bytes() == (full / "summary.json").read_bytes()


@pytest.mark.parametrize("place", ["evaluate/cosine_5", "filter/cosine_5", "history/cosine_5.parquet"])
def test_a_missing_subject_is_named(full: Path, tmp_path: Path, place: str) -> None:
    """A subject without its folder is refused by name, and nothing is written."""
    shutil.copytree(full, tmp_path / "world")
    (tmp_path / "world" / place).rename(tmp_path / "elsewhere")

    with pytest.raises(ValueError, match=re.escape(f"{place} is missing")):
        report(tmp_path / "world", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("place", ["evaluate/stray", "filter/stray", "history/stray.parquet"])
def test_an_extra_subject_is_named(full: Path, tmp_path: Path, place: str) -> None:
    """A folder that belongs to no subject is refused by name."""
    shutil.copytree(full, tmp_path / "world")
    (tmp_path / "world" / place).mkdir()

    with pytest.raises(ValueError, match=re.escape(f"{place} belongs to no subject")):
        report(tmp_path / "world", tmp_path / "new")


def test_hidden_files_are_no_subjects(full: Path, tmp_path: Path) -> None:
    """The ignore files that DVC keeps beside its outs do not count as extra subjects."""
    shutil.copytree(full, tmp_path / "world")
    (tmp_path / "world" / "evaluate" / ".gitignore").write_text("/topk\n")

    assert (report(tmp_path / "world", tmp_path) / "summary.json").exists()


def test_what_does_not_apply_is_null_with_its_reason(bare: Path) -> None:
    """Without languages and problems those keys are null and the page says why."""
    page, summary = _written(bare)["report/index.html"], read_json(bare / "summary.json")
    silent = ("swap_success", "swap_kept", "ceiling", "answers", "ablation_diagonal", "kept_latents", "steering_best")

    assert {summary[f"{name}.{key}"] for name in invented_params().subjects for key in silent} == {None}
    assert NO_LANGUAGES in page
    assert NO_PROBLEMS in page


def test_text_is_escaped(full: Path) -> None:
    """A token that looks like markup is shown, not obeyed."""
    pages = [text for name, text in _written(full).items() if name.endswith(".html")]

    assert not any(HOSTILE in page or "<b>bold</b>" in page for page in pages)
    assert all("&lt;script&gt;alert(1)&lt;/script&gt;" in page for page in pages)


def test_ceilings_are_a_table_of_concepts_by_sites(full: Path) -> None:
    """Each concept has a row of cells, one per site, for its mentions and for the last token, with n before them."""
    section = re.search(r'<section id="ceiling">.*?</section>', _written(full)["report/index.html"], flags=re.S)
    assert section
    table = section[0].split("</table>")[0]
    shown = {
        concept: [re.findall(r"<td[^>]*>([^<]+)", row) for row in body.split("</tr>")[:-1]]
        for concept, body in re.findall(r'<th scope="rowgroup"[^>]*>(\w+)</th>(.*?)</tbody>', table, flags=re.S)
    }
    last = ["0.00", "0.02", "0.34", "0.97"]
    assert re.findall(r'<th scope="col">(\w+)', table) == ["n", *SITES]
    assert shown == {
        "name": [["120", "1.00", "0.63", "0.01", "0.01"], ["120", *last]],
        "animal": [["20", "1.00", "1.00", "0.63", "0.01"], ["20", *last]],
        "place": [["20", "1.00", "1.00", "1.00", "0.63"], ["20", *last]],
    }


def test_both_ways_of_choosing_are_in_one_line_for_each_concept(full: Path) -> None:
    """Causal and most selective picks stand side by side, with the weight and the values that have no good latent."""
    section = re.search(r'<section id="chosen">.*?</section>', _written(full)["report/index.html"], flags=re.S)
    assert section
    table = section[0].split("</table>")[0]
    bodies = [body for body in table.split("<tbody>") if ">adapted_5</th>" in body]
    lines = [re.findall(r"<t[dh][^>]*>([^<]*)", line) for line in bodies[0].split("</tr>")[:-1]]
    assert lines == [
        ["adapted_5", "5", "name", "3", "2.10", "0.87", "0.91", "1", "0.02", "0.67", "0.91", "2", "0.33", "Carla"],
        ["animal", "1", "2.10", "0.47", "0.91", "0", "0.02", "0.27", "0.91", "1", "0.33", ""],
    ]


def test_white_space_tokens_are_visible(full: Path) -> None:
    """Tokens of white space only are drawn as signs."""
    page = _written(full)["report/examples/topk.html"]

    assert all(sign in page for sign in ("␣␣", "⏎", "⇥"))


def test_every_subject_has_a_page_of_examples(full: Path, bare: Path) -> None:
    """The report links to each, and no file is left over; every latent that was looked for is there with its texts."""
    for folder in (full, bare):
        files = _written(folder)
        there = [f"examples/{name}.html" for name in invented_params().subjects]
        assert re.findall(r'<a href="(examples[^"]+)"', files["report/index.html"]) == there
        assert sorted(name for name in files if "/examples/" in name) == sorted(f"report/{name}" for name in there)
        for name in invented_params().subjects:
            rows = _rows(folder / "evaluate" / name / "examples.parquet")
            page = files[f"report/examples/{name}.html"]
            shown = re.findall(r"<h4>(.*?) <span>– latent (\d+),", page)
            assert shown == [
                (label, str(latent)) for label, latent in dict.fromkeys((r["label"], r["latent"]) for r in rows)
            ]
            assert page.count("<li ") == len(rows)


def test_ids_on_the_page_are_unique(full: Path) -> None:
    """No two elements share an id, so no drawing borrows another's shapes."""
    ids = re.findall(r'\bid="([^"]+)"', _written(full)["report/index.html"])

    assert len(ids) == len(set(ids))


def test_every_reference_on_the_page_has_its_target(full: Path) -> None:
    """Links and drawings point only at ids that are there."""
    page = _written(full)["report/index.html"]
    ids = set(re.findall(r'\bid="([^"]+)"', page))

    assert set(re.findall(r'(?:href="|url\()#([^")]+)', page)) <= ids


def test_the_page_holds_every_plot_it_writes(full: Path) -> None:
    """The files in plots/ are the page's drawings, no more and no fewer."""
    files = _written(full)
    shown = set(re.findall(r'<figure id="plot-([^"]+)"', files["report/index.html"]))

    assert {Path(name).stem for name in files if name.endswith(".svg")} == shown


def test_a_higher_site_is_said(full: Path) -> None:
    """When a site other than the one that params name has a higher ceiling, a sentence says which, and two keys do."""
    page = " ".join(_written(full)["report/index.html"].split())
    assert "<code>name/resid_pre_0/concept</code> reaches 1.00, <code>name/resid_post_0/concept</code> 0.63." in page
    assert "nothing mentions one value of &#39;colour&#39; twice" in page
    assert "the place that was taken is <code>resid_post_0</code>, at its mentions.</p>" in page
    summary = read_json(full / "summary.json")
    assert (summary["ceiling.chosen"], summary["ceiling.highest"]) == (0.63, 1.0)


def test_the_ceiling_stands_beside_every_subject(full: Path) -> None:
    """Each has a line: its own site, its ceiling on test pairs, and the same through its SAE."""
    section = re.search(r'<section id="ceiling">.*?</section>', _written(full)["report/index.html"], flags=re.S)
    assert section
    lines = re.findall(r"<tr>(.*?)</tr>", section[0].split("</table>")[1], flags=re.S)[1:]
    told = [re.findall(r"<t[dh][^>]*>([^<]*)", line) for line in lines]
    assert told == [[name, SITE, "120", "0.63", "0.55"] for name in invented_params().subjects]


def test_the_page_of_dvc_plots_loads_nothing_but_the_plots() -> None:
    """The template for `dvc plots show` has the place for the plots, and no script or address."""
    template = (Path(__file__).parents[2] / ".dvc" / "plots.html").read_text(encoding="utf-8")

    assert template.count("{plot_divs}") == 1
    assert re.findall(LOADS, template) == []


def test_a_difference_between_equal_shares_is_centred_at_zero() -> None:
    """Two equal shares with equal, even intervals differ by zero, give or take √2 of their own half-width."""
    share = Row(0.5, 0.4, 0.6, 100, "")

    assert difference(share, share) == pytest.approx((-0.1 * 2**0.5, 0.1 * 2**0.5))


def test_lineage_follows_parents() -> None:
    """An adapted model has its dictionary's penalty and weight, and site, seed and kind of the dictionary's origin."""
    params = invented_params()
    params.train.subjects["topk"].seed = 3

    assert lineage(params, SITE)[-1] == (
        "adapted_5",
        "adapt",
        5.0,
        "cosine_5",
        "resid_post_0",
        "cosine_full",
        3,
        "topk",
    )
    assert lineage(params, SITE)[-1].label == "adapted_5 (cosine_full 5, seed 3)"
    assert lineage(params, SITE)[1].label == "batchtopk"


def test_the_chosen_site_goes_by_its_own_name() -> None:
    """What is trained at `chosen` and what at that site by its name are of one kind."""
    params = invented_params()
    params.train.subjects["topk"].site, chosen = "chosen", lineage(params, SITE)
    params.train.subjects["again"] = SimpleNamespace(**{**vars(params.train.subjects["topk"]), "site": SITE, "seed": 1})
    params.subjects.append("again")

    assert chosen == lineage(invented_params(), SITE) and {line.site for line in chosen} == {SITE}
    assert lineage(params, SITE)[-1].kind == "topk"


def test_an_unknown_subject_is_refused() -> None:
    """A subject that no stage makes is named, with those that exist."""
    params = invented_params()
    params.subjects.append("cosine_7")

    with pytest.raises(ValueError, match=r"'cosine_7'.*adapted_0"):
        lineage(params, SITE)


def test_what_is_left_of_the_excess_is_relative_to_weight_0(full: Path) -> None:
    """It is (μ − floor)/(μ₀ − floor₀) over live atoms: 1 at weight 0, (.0071 − .0066)/(.0119 − .0066) at weight 5."""
    summary = read_json(full / "summary.json")

    for name in ("cosine_{}", "adapted_{}"):
        assert summary[f"{name.format(0)}.welch_excess_ratio"] == 1
        assert summary[f"{name.format(5)}.welch_excess_ratio"] == pytest.approx(0.0005 / 0.0053)


def _subject(name: str, stage: str = "orthogonalize", parent: str | None = "topk", **more: object) -> Subject:
    history = [{"stage": stage, "metric": "loss", "step": step, "value": 1.0} for step in (0, 10)]
    rows = {
        ("swap", "strength", "chosen"): Row(2.0, None, None, 9, ""),
        ("swap", "success", "swap/2"): Row(0.5, None, None, 9, ""),
    }
    weight = more.pop("weight", None if stage == "train" else 5.0)
    line = Lineage(name, stage, weight, parent, "resid_post_0", **more)  # type: ignore[arg-type]
    return Subject(line, rows, [], [], [], history)


def test_the_reference_is_of_the_same_base_stage_and_penalty() -> None:
    """Among subjects of weight 0 that of the own penalty counts, else another's, which is the same; no stranger's."""
    made = [
        _subject("topk", "train", None),
        _subject("other", "train", None),
        _subject("raw_0", weight=0.0, penalty="raw_sampled"),
        _subject("cosine_0", weight=0.0, penalty="cosine_full"),
        _subject("cosine_5", penalty="cosine_full"),
        _subject("hinge_5", penalty="hinge"),
        _subject("stranger", parent="other", penalty="cosine_full"),
        _subject("adapted", "adapt", "cosine_5", penalty="cosine_full"),
    ]

    found = {subject.name: subject.reference and subject.reference.name for subject in referred(made)}
    own = {"raw_0": "raw_0", "cosine_0": "cosine_0", "cosine_5": "cosine_0", "hinge_5": "raw_0"}
    assert found == dict.fromkeys(found) | own


def test_each_penalty_has_its_own_doses() -> None:
    """Penalty by penalty, lightest first, beside each those without one and weight 0, if need be another penalty's.

    What nobody was asked, such as whether answers are kept, has no figure.
    """
    made = [
        _subject("cosine_5", penalty="cosine_full"),
        _subject("topk", "train", None, seed=1),
        _subject("raw_5", penalty="raw_sampled"),
        _subject("cosine_0", weight=0.0, penalty="cosine_full"),
        _subject("plain", "adapt", weight=None),
    ]

    assert {key: [subject.name for subject in family] for key, family in by_penalty(made).items()} == {
        ("topk", "cosine_full"): ["plain", "topk", "cosine_0", "cosine_5"],
        ("topk", "raw_sampled"): ["plain", "topk", "cosine_0", "raw_5"],
    }
    own = _subject("raw_0", weight=0.0, penalty="raw_sampled")
    assert [s.name for s in by_penalty([*made, own])["topk", "raw_sampled"]] == ["plain", "topk", "raw_0", "raw_5"]
    drawn = swap_plots(made)
    assert [plot.name for plot in drawn] == ["swap_success_topk_cosine_full", "swap_success_topk_raw_sampled"]
    assert "weight of raw_sampled, from topk" in drawn[1].svg


def test_curves_are_in_order_and_told_apart() -> None:
    """Whatever the order of subjects, curves come by penalty, weight and seed, named by all three, none twice alike."""
    made = [
        _subject(
            f"s{seed}{penalty[0]}{weight}", parent=None, weight=weight / 1, penalty=penalty, seed=seed, kind=f"k{seed}"
        )
        for penalty in ("raw_sampled", "cosine_full")
        for seed in (2, 0, 1)
        for weight in (50, 0, 5, 100)
    ]
    (plot,) = training_plots(made)
    (again,) = training_plots(made[::-1])
    (first,) = training_plots([replace(s, line=s.line._replace(kind="one")) for s in made])

    told = re.findall(r">(s\d\w+ \([^)]*\))<", plot.svg)
    assert plot == again and len(told) == 24
    assert set(re.findall(r">(s\d\w+ \([^)]*\))<", first.svg)) == {name for name in told if name.startswith("s0")}
    assert told[:4] == ["s0c0 (cosine_full 0)", "s1c0 (cosine_full 0, seed 1)", "s2c0 (cosine_full 0, seed 2)",
                        "s0c5 (cosine_full 5)"]  # fmt: skip
    looks = re.findall(r'<path d="M [^"]*" [^>]*style="fill: none; (stroke-?[^"]*)"', plot.svg)
    assert looks and len(told) <= len(set(looks)) + 1  # axes' own lines are among them


def test_nothing_is_said_of_starts_where_there_is_one(full: Path) -> None:
    """Without groups there is no section, no link and no key about other starts, and the page says: one seed."""
    page = _written(full)["report/index.html"]

    assert 'id="match"' not in page and "#match" not in page and "One seed." in page
    assert [key for key in read_json(full / "summary.json") if key.startswith("match.")] == []


@pytest.fixture(scope="module")
def starts(full: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of the full world in which three dictionaries, and two others, were trained from several starts."""
    world = shutil.copytree(full, tmp_path_factory.mktemp("starts") / "world")
    groups = {"cosine_5": ["cosine_5", "topk", "batchtopk"], "topk": ["topk", "cosine_0"]}
    write_matches(world / "match.parquet", groups)
    params = invented_params()
    params.train.subjects["batchtopk"].seed = 1
    return report(world, world / "again", params)


def test_what_was_found_again_is_shown(starts: Path) -> None:
    """Means over pairs stand with what random atoms have, and with their range where there are three pairs."""
    section = re.search(r'<section id="match">.*?</section>', _written(starts)["report/index.html"], flags=re.S)
    assert section
    three, two = re.findall(r"<tbody>(.*?)</tbody>", section[0], flags=re.S)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", three.split("</tr>")[0])

    assert cells[:3] == ["cosine_full", "5", "3"]
    assert cells[3:6] == ["0.60<small>0.25</small>", "0.50–0.70", "0.70<small>0.35</small>"]
    assert "0.50<small>0.25</small></td>\n<td></td>" in two
    assert "2 seeds." in _written(starts)["report/index.html"]


def test_what_was_found_again_is_in_the_summary(starts: Path) -> None:
    """A group's keys bear the name of its first dictionary, and so do those of chance."""
    summary = read_json(starts / "summary.json")

    assert summary["match.cosine_5.pairs"] == 3 and summary["match.topk.pairs"] == 1
    for prefix in ("", "live_", "codes_"):
        found = [summary[f"match.cosine_5.{prefix}{key}"] for key in ("mcc", "mcc_random", "mmcs", "mmcs_random")]
        assert found == pytest.approx([0.6, 0.25, 0.7, 0.35])


def test_a_table_about_strangers_is_refused(full: Path, tmp_path: Path) -> None:
    """A comparison of what is no subject any more is named."""
    shutil.copytree(full, tmp_path / "world")
    write_matches(tmp_path / "world/match.parquet", {"topk": ["topk", "gone"]})

    with pytest.raises(ValueError, match="compares gone, which is no subject; run the match stage again"):
        report(tmp_path / "world", tmp_path / "new")

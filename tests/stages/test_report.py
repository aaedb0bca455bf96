"""The report: one offline page, its plots and a flat summary, from invented answers of six subjects."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from sieve.provenance import read_json
from stages._report.page import difference
from stages._report.subjects import Lineage, Row, Subject, lineage
from stages._report.summary import KEYS, summarise
from stages._report.svg import NAMESPACE
from tests.stages.report_world import (
    HOSTILE,
    NO_LANGUAGES,
    NO_PROBLEMS,
    SITES,
    invented_params,
    report,
    write_world,
)

LOADS = r"https?:|://|@import|fetch\(|XMLHttpRequest|<script|<link|<iframe|<image|\bsrc=|href=\"(?!#)|url\((?!#)"


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
    """The summary's keys are exactly subject × KEYS, adaptation's own, and the numbers of the model's card."""
    summary = read_json(request.getfixturevalue(world) / "summary.json")

    asked = {f"{subject}.{key}" for subject in invented_params().subjects for key in KEYS}
    card = read_json(request.getfixturevalue(world) / "model.json")
    numbers = {key for key, value in card.items() if type(value) in (int, float)}
    told = {key if key.startswith("ngram.") else f"model.{key}" for key in numbers}
    assert set(summary) == asked | told | {"adapt.problem_accuracy_weight0"}


def test_the_page_explains_every_key(full: Path) -> None:
    """Each key's meaning and source stand on the page."""
    page = _written(full)["report/index.html"]

    assert [key for key in KEYS if f'id="key-{key}"' not in page] == []


def test_every_key_has_a_value_where_every_question_applies(full: Path) -> None:
    """In a world with languages and problems no key is null."""
    assert [key for key, value in read_json(full / "summary.json").items() if value is None] == []


def test_the_best_multiplier_is_the_one_with_the_highest_success(full: Path) -> None:
    """`swap_strength` names the multiplier at which `swap_success` was highest, and the other keys are taken there."""
    summary = read_json(full / "summary.json")

    taken = [summary[f"cosine_0.swap_{key}"] for key in ("strength", "success", "kept")]
    assert taken == pytest.approx([2.0, 0.36, 0.88 - 0.3 * 0.36])


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
    page = _written(full)["report/index.html"]

    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>bold</b>" not in page


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
    rates = ["0.87", "0.91"]
    assert lines == [
        ["adapted_5", "5", "name", "3", "2.10", *rates, "1", "0.02", *rates, "2", "0.33", "Carla"],
        ["animal", "1", "2.10", *rates, "0", "0.02", *rates, "1", "0.33", ""],
    ]


def test_white_space_tokens_are_visible(full: Path) -> None:
    """Tokens of white space only are drawn as signs."""
    page = _written(full)["report/index.html"]

    assert all(sign in page for sign in ("␣␣", "⏎", "⇥"))


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
    shown = set(re.findall(r'<figure id="plot-([^"]+)"', files.pop("report/index.html")))

    assert {Path(name).stem for name in files} == shown


def test_a_higher_site_is_said(full: Path) -> None:
    """When a site other than the chosen one has a higher ceiling, a sentence says which."""
    page = " ".join(_written(full)["report/index.html"].split())
    assert "Another place is higher: <code>name/embedding/concept</code> reaches 1.00" in page
    assert "the chosen <code>name/resid_post_0/concept</code> 0.63" in page
    assert "On test pairs <code>name/resid_post_0/concept</code> reaches 0.63" in page


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
    """An adapted model carries its dictionary's weight and the site of the dictionary's origin."""
    assert lineage(invented_params())[-1] == ("adapted_5", "adapt", 5.0, "cosine_5", "resid_post_0")


def test_an_unknown_subject_is_refused() -> None:
    """A subject that no stage makes is named, with those that exist."""
    params = invented_params()
    params.subjects.append("cosine_7")

    with pytest.raises(ValueError, match=r"'cosine_7'.*adapted_0"):
        lineage(params)

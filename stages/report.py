"""Put every subject's answers and both cards on a page that opens offline, and headline numbers in one flat file.

    python -m stages.report --evaluate data/evaluate --filter data/filter --history data/history \\
        --match data/match/rows.parquet --ceilings data/ceiling/rows.parquet --place data/ceiling/place.json \\
        --dataset-card data/dataset/card.json --model-card data/model/card.json \\
        --out data/report --summary data/summary.json

Reads   evaluate/<subject>/{rows,items,examples}.parquet, filter/<subject>/{counts,features}.parquet and
        history/<subject>.parquet for every id in `subjects`; what was matched from several starts, if anything;
        where concepts can be turned; the cards of dataset and model (flat JSON).
Writes  report/index.html, report/examples/<subject>.html and report/plots/*.svg; summary.json with the numbers of the
        model's card as `model.<key>` and with `<subject>.<key>`: the keys, their meaning and how they are taken from
        the rows are the table KEYS in `stages/_report/summary.py`. And `match.<group>.<key>`, see `Group.figures` in
        `stages/_report/matches.py`; `ceiling.<key>`, see `Ceilings.figures` in `stages/_report/ceilings.py`; and
        `langfir.<key>`, see FIGURES in `stages/_report/languages.py`.
"""

from __future__ import annotations

from sieve.provenance import publish, read_json, write_json
from stages._common import Input, Output, Params, run
from stages._report.ceilings import Ceilings
from stages._report.contrasts import figures, lines
from stages._report.examples import pages
from stages._report.languages import summary as languages
from stages._report.matches import read_groups
from stages._report.page import render
from stages._report.plots import all_plots
from stages._report.subjects import lineage, read_subjects
from stages._report.summary import summarise


def main(
    params: Params,
    evaluate: Input,
    filter: Input,
    history: Input,
    match: Input,
    ceilings: Input,
    place: Input,
    dataset_card: Input,
    model_card: Input,
    out: Output,
    summary: Output,
) -> None:
    """Read every subject, draw, and write the page and the summary; a missing or extra subject is a ValueError."""
    where = Ceilings.read(ceilings, place)
    subjects = read_subjects(lineage(params, where.place.site), evaluate, filter, history)
    card, groups = read_json(model_card), read_groups(match, subjects)

    contrasts = figures(params.contrasts, subjects)

    plots = all_plots(subjects)
    cards = read_json(dataset_card), card
    page = render(subjects, cards, where, plots, groups, lines(params.contrasts, contrasts))

    with publish(out) as folder:
        (folder / "plots").mkdir(parents=True)
        (folder / "examples").mkdir()
        for name, text in {"index.html": page, **pages(subjects)}.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        for plot in (plot for section in plots.values() for plot in section):
            (folder / "plots" / f"{plot.name}.svg").write_text(plot.standalone(), encoding="utf-8", newline="\n")
    with publish(summary) as file:
        write_json(file, summarise(subjects, card, groups) | where.figures() | contrasts | languages(subjects))


if __name__ == "__main__":
    run(main)

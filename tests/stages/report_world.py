"""An invented world for the report: plausible answers of six subjects, with or without languages and problems."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa

from sieve.features.place import Place
from sieve.provenance import write_json, write_table
from stages._report.subjects import lineage
from stages.ceiling import ROWS as CEILINGS
from stages.report import main

LANGUAGES = ("de", "es", "fi", "tr")
NAMES = ("Anna", "Ben", "Carla")
STRENGTHS = (0.0, 0.5, 1.0, 2.0, 4.0)
SITE = "resid_post_0"
SITES = ("resid_pre_0", SITE, "resid_post_1", "resid_post_2")
NO_LANGUAGES = "the text names one language only, so there is nothing to tell apart"
NO_PROBLEMS = "there are no problems, so there is nothing to solve or to swap"
FEW = "taught by 12 documents"
HOSTILE = "<script>alert(1)</script>"

ROWS = pa.schema(
    [(name, pa.string()) for name in ("question", "metric", "case")]
    + [(name, pa.float64()) for name in ("value", "low", "high")]
    + [("n", pa.int64()), ("note", pa.string())]
)
ITEMS = pa.schema(
    [(name, pa.string()) for name in ("condition", "doc", "source", "target", "frame", "prompt", "said")]
    + [("success", pa.bool_()), ("kept", pa.bool_()), ("strength", pa.float64()), ("kl", pa.float64())]
    + [("tokens", pa.int32())]
)
EXAMPLES = pa.schema(
    {
        "latent": pa.int32(),
        "label": pa.string(),
        "rank": pa.int32(),
        "doc": pa.string(),
        "tokens": pa.list_(pa.string()),
        "activations": pa.list_(pa.float32()),
    }
)
MATCHES = pa.schema(
    [(name, pa.string()) for name in ("group", "first", "second", "of", "metric")]
    + [("value", pa.float64()), ("note", pa.string())]
)
HISTORY = pa.schema([("stage", pa.string()), ("step", pa.int64()), ("metric", pa.string()), ("value", pa.float64())])
FEATURES = pa.schema(
    [("language", pa.string()), ("latent", pa.int32())]
    + [(name, pa.float64()) for name in ("consistency", "rate_target", "rate_random", "mean_target", "mean_random")]
    + [("kept", pa.bool_())]
)
COUNTS = pa.schema(
    [("language", pa.string()), ("control", pa.string())]
    + [(name, pa.int64()) for name in ("sequences", "tokens", "active", "consistent", "random", "kept")]
    + [(name, pa.float64()) for name in ("vocabulary_share", "fvu_target", "fvu_control")]
    + [("note", pa.string())]
)
MODEL_CARD = {
    "parameters": 1_050_368,
    "tokens": 6_000_000,
    **{f"bits_per_byte.{name}": 0.871 + 0.01 * n for n, name in enumerate(LANGUAGES)},
    **{f"ngram.bits_per_byte.{name}": 1.021 + 0.01 * n for n, name in enumerate(LANGUAGES)},
    **{f"continuation_language_accuracy.{name}": 0.94 + 0.01 * n for n, name in enumerate(LANGUAGES)},
    "continuation_language_accuracy": 0.955,
    "continuation_language_accuracy_low": 0.91,
    "continuation_language_accuracy_high": 0.98,
    "problem_accuracy": 0.995,
    "problem_accuracy_low": 0.982,
    "problem_accuracy_high": 0.999,
    "copied_names": 0.985,
    "digest": 8 * "7e3a01bc",
    "tied_embeddings": True,
}
DATASET_CARD = {
    **{f"texts.{name}.{split}": 3001 * size + n
       for n, name in enumerate(LANGUAGES) for size, split in ((9, "train"), (1, "valid"), (2, "test"))},
    **{f"characters.texts.{name}.{split}": 600_011 * size + n
       for n, name in enumerate(LANGUAGES) for size, split in ((9, "train"), (1, "valid"), (2, "test"))},
    "problems.de.train": 14_411,
    "problems.de.test": 1103,
    "characters.problems.de.train": 2_544_766,
    "characters.problems.de.test": 190_481,
    "licence": f"CC BY-SA 4.0 {HOSTILE}",
    "digest.texts": 8 * "0badcafe",
    "digest.problems": 8 * "1badcafe",
    "source.de/a.jsonl": 8 * "2badcafe",
    "licence.LICENSE": 8 * "3badcafe",
    "leakage.test.jsonl": 8 * "4badcafe",
    "left_out.fr.txt": 17,
    "duplicates.exact": 761,
    "duplicates.near": 89,
    "duplicates.largest_group": 23,
    "leakage.held_out": 0,
    "leakage.texts": 250,
    "leakage.exact": 3,
    "leakage.near": 5,
}  # fmt: skip


def invented_params() -> SimpleNamespace:
    """Two trained dictionaries, one of them orthogonalised at two weights, and a model adapted around each of these."""
    made = SimpleNamespace
    dictionary = {"site": "resid_post_0", "latents": 64, "settings": {"k": 4}, "seed": 0}
    return made(
        subjects=["topk", "batchtopk", "cosine_0", "cosine_5", "adapted_0", "adapted_5"],
        train=made(subjects={v: made(variant=v, **dictionary) for v in ("topk", "batchtopk")}),
        orthogonalize=made(
            subjects={f"cosine_{w}": made(sae="topk", weight=float(w), penalty="cosine_full") for w in (0, 5)}
        ),
        adapt=made(subjects={f"adapted_{w}": made(sae=f"cosine_{w}") for w in (0, 5)}),
        contrasts={"orthogonality": made(of=["adapted_5"], over=["adapted_0"], tried=3)},
    )


class Rows:
    """Rows of one invented evaluation."""

    def __init__(self) -> None:
        self.listed: list[tuple[Any, ...]] = []

    def add(self, question: str, metric: str, case: str, value: float, note: str = "") -> None:
        """A number without an interval."""
        self.listed.append((question, metric, case, float(value), None, None, 4096, note))

    def share(self, question: str, metric: str, case: str, value: float, n: int = 60, note: str = "") -> None:
        """A share of `n` items with a 95 % interval."""
        value = min(max(float(value), 0.0), 1.0)
        half = 1.96 * (value * (1 - value) / n) ** 0.5
        self.listed.append((question, metric, case, value, max(0.0, value - half), min(1.0, value + half), n, note))

    def mean(self, question: str, metric: str, case: str, value: float, n: int = 60) -> None:
        """A mean over `n` items with a 95 % interval."""
        self.listed.append((question, metric, case, value, 0.8 * value, 1.3 * value, n, ""))

    def without(self, question: str, reason: str) -> None:
        """A question that does not apply."""
        self.listed.append((question, "", "", None, None, None, 0, f"not applicable: {reason}"))

    def write(self, path: Path) -> None:
        """Write the table."""
        write_table(path, dict(zip(ROWS.names, zip(*self.listed))), ROWS)


def _shared_rows(rows: Rows, heavy: bool, draw: np.random.Generator) -> None:
    fvu = 0.078 + 0.031 * heavy + 0.004 * draw.random()
    for metric, value in {"fvu": fvu, "explained_variance": 1 - fvu, "l0": 4.0, "alive": 0.984}.items():
        rows.add("reconstruction", metric, "text", value)
    mean_cos2 = 0.0070 if heavy else 0.0118
    geometry = {"mean_cos2": mean_cos2, "welch_floor": 0.0068, "max_abs_cos": 0.741, "coactive_cos2": 2.4 * mean_cos2}
    geometry |= {"alive_cos2": mean_cos2 + 0.0001, "alive_welch_floor": 0.0066, "excess_cos2": mean_cos2 - 0.0068}
    geometry |= {"p99_abs_cos": 0.31, "unique_below": 1.175, "dead_share": 0.016}
    geometry |= {f"decoder_norm_{at}": 0.5 + 0.1 * number for number, at in enumerate(("p05", "median", "p95"))}
    for metric, value in geometry.items():
        rows.add("geometry", metric, "all", value)
    rows.add("explanations", "context_tfidf_distance", "", 0.92)
    for metric, value in {"ce_recovered": 0.981 - 0.02 * heavy, "kl_recovered": 0.972 - 0.02 * heavy}.items():
        rows.add("fidelity", metric, "text", value)


def _problem_rows(rows: Rows, heavy: bool, adapted: bool) -> None:
    for case, value in {"original": 0.995, "spliced": 0.88 - 0.05 * heavy + 0.1 * adapted}.items():
        rows.share("solving", "answer", case, value, 200)
        rows.share("solving", "copied", case, value - 0.01, 200)
    rows.add("fidelity", "ce_recovered", "problem", 0.968)
    rows.share("ceiling", "success", "patched", 0.63, 120)
    rows.share("ceiling", "success", "subject", 0.55, 120)
    rows.add("swap", "strength", "chosen", 2.0)
    swaps = {"none": 0.0, "swap/0": 0.01, "swap/1": 0.22, "swap/2": 0.36, "swap/4": 0.33}
    swaps |= {"insert/2": 0.2, "random/2": 0.03, "direction/2": 0.02, "other/2": 0.01}
    for case, success in swaps.items():
        success = success * (0.6 if heavy else 1.0) * (1.15 if adapted else 1.0)
        kept = 0.88 + 0.08 * adapted - 0.3 * success
        values = {"success": success, "kept": kept, "success_and_kept": success * kept, "dropped": success + 0.05}
        for metric, value in {**values, "named": success + 0.03, "exact": 0.6 - success}.items():
            rows.share("swap", metric, case, value)
        dose = 0.0 if case == "none" else 0.02 + 0.1 * float(case.split("/")[1])
        for metric, value in {"rouge_l": 0.9 - 0.2 * success, "kl": dose, "others": 3 * dose, "acted": 2.0}.items():
            rows.mean("swap", metric, case, value)


def _items(heavy: bool, adapted: bool) -> dict[str, list[Any]]:
    """Swaps of 60 pairs whose successes come first: .36 of them at strength 2 at weight 0, .6 of that with a weight."""
    found: dict[str, list[Any]] = {name: [] for name in ITEMS.names}
    swaps = [("swap", strength, rate) for strength, rate in ((0.0, 0.01), (1.0, 0.22), (2.0, 0.36), (4.0, 0.33))]
    for condition, strength, success in (("none", None, 0.0), *swaps, ("random", 2.0, 0.0)):
        hits = round(60 * success * (0.6 if heavy else 1.0) * (1.15 if adapted else 1.0))
        for i in range(60):
            source, target = NAMES[i % 3], NAMES[(i + 1) % 3]
            own = {"condition": condition, "strength": strength, "doc": f"problem-{i}", "source": source}
            own |= {"target": target, "success": i < hits, "kept": i % 10 != 0, "kl": 0.2 + (strength or 0.0)}
            own |= {"prompt": f"{source} has {i} apples. {HOSTILE}", "tokens": 10, "frame": f"has {i}"}
            own["said"] = f"{target if i < hits else source} eats one, {condition}."
            for name in ITEMS.names:
                found[name].append(own[name])
    return found


def _concept_rows(rows: Rows, heavy: bool) -> None:
    """Three names, for the last of which nothing good was found, and an animal."""
    for concept, values in {"name": ("Anna", "Ben", "Carla"), "animal": ("dog",)}.items():
        for pick, effects in {"causal": (2.1, 1.8, 0.05), "selective": (0.02, 1.8, 0.01)}.items():
            case = f"{concept}/{pick}"
            precision = 0.97 - 0.1 * heavy - 0.2 * (pick == "selective") - 0.4 * (concept == "animal")
            for metric, figure in {"effect": effects[0], "precision": precision, "recall": 0.91}.items():
                rows.add("concepts", metric, case, figure)
                for index, value in enumerate(values):
                    own = effects[index] if metric == "effect" else figure
                    found = (own, None, None, 0, f"latent {41 + index}")
                    rows.listed.append(("concepts", metric, f"{case}/{value}", *found))
            missing = [value for value, effect in zip(values, effects) if effect < 0.1]
            rows.listed.append(("concepts", "without", case, len(missing), None, None, len(values), ", ".join(missing)))
        rows.add("concepts", "same", concept, 0.33)


def _language_rows(rows: Rows, heavy: bool, draw: np.random.Generator) -> None:
    for language in LANGUAGES:
        rows.share("steering", "judged", f"ngrams/{language}", 0.9, 50, FEW if language == "fi" else "")
    for name, right in {"langfir": 0.9, "residual": 0.7, "diffmean": 0.95, "random_latents": 0.1}.items():
        rows.add("steering", "method_strength", name, STRENGTHS[-1])
        rows.add("steering", "reached", name, len(LANGUAGES))
        rows.share("steering", "method_accuracy", name, right - 0.1 * heavy, 160)
        rows.share("steering", "method_fluent", name, right - 0.2, 160)
        rows.share("steering", "method_none", name, 0.13, 160)
        rows.share("steering", "method_loops", name, 0.07, 160)
        rows.add("steering", "method_ce", name, 2.5)
    rows.add("language_latents", "kept_share", "", 0.02)
    for language in LANGUAGES:
        for kind, ratio in (("kept", 30.0 + heavy), ("filtered", 1.2)):
            rows.add("language_latents", "ratio", f"{kind} {language}", ratio)
        for what in ("text", "noise"):
            rows.mean("language_latents", "jaccard", f"{what} 100/{language}", 0.8, 5)
    for language in LANGUAGES:
        rows.add("language_ablation", "ce", language, 1.7 + 0.4 * draw.random())
        for other in LANGUAGES:
            rise = 0.9 + 0.3 * heavy + 0.2 * draw.random() if language == other else 0.08 * draw.normal()
            for kind, factor, note in (
                ("ablate", 1.0, "zero"),
                ("project", 1.2, "project"),
                ("mean_later", 1.5, "mean_later"),
                ("unshared", 0.9, "3 latents, 4 are kept"),
            ):
                rows.add("language_ablation", "delta_ce", f"{kind} {language}/on {other}", factor * rise, note)
            for kind, cost in (("random", 0.05), ("random_project", 0.2)):
                rows.mean("language_ablation", "delta_ce", f"{kind} {language}/on {other}", cost, 20)
        for strength in STRENGTHS:
            accuracy = 0.25 + 0.7 * (1 - np.exp(-1.3 * strength)) * (0.7 + 0.3 * draw.random()) - 0.02 * strength**2
            rows.share("steering", "accuracy", f"{language}/{strength:g}", accuracy, 40)
            rows.add("steering", "ce", f"{language}/{strength:g}", 1.9 + 0.15 * strength**1.5 + 0.1 * draw.random())


def _examples(languages: bool) -> dict[str, list[Any]]:
    sentences = [
        ["Anna", " has", " three", " apples", ".", "\n", "She", " gives", " two", " to", " Ben", "."],
        ["El", " perro", " come", " pan", " y", " la", " niña", " canta", "  ", "en", " casa", "\t", "."],
        [" ", HOSTILE, " see", " https", "://", "example.org", "/", "a", " &", " <b>bold</b>"],
    ]
    labels = [("language es", 17), ("language fi", 203)] if languages else []
    rows: list[tuple[Any, ...]] = []
    for label, latent in [*labels, ("name Anna", 41), ("most active", 7)]:
        for rank, tokens in enumerate(sentences):
            draw = np.random.default_rng([latent, rank])
            active = draw.random(len(tokens)) < 0.4
            activations = np.where(active, draw.gamma(2.0, 1.0, len(tokens)), 0.0) * (-1 if latent == 7 else 1)
            rows.append((latent, label, rank, f"doc_{latent}_{rank}", tokens, activations.tolist()))
    return dict(zip(EXAMPLES.names, (list(column) for column in zip(*rows))))


def _filter(folder: Path, languages: bool, draw: np.random.Generator) -> None:
    counts: dict[str, list[Any]] = {name: [] for name in COUNTS.names}
    features: dict[str, list[Any]] = {name: [] for name in FEATURES.names}
    for index, language in enumerate(LANGUAGES if languages else ()):
        kept = int(draw.integers(3, 9))
        steps = (256, 16_384, 410 + 7 * index, 38 + index)
        note = "" if index != 2 else "fewer sequences than asked for"
        for control, left in (("random", kept), ("shuffled", 1), ("unigram", 2)):
            row = (language, control, *steps, 38 + index - left, left, 0.31, 0.12, 0.45, note)
            for name, value in zip(COUNTS.names, row):
                counts[name].append(value)
        for name, value in zip(
            FEATURES.names, (language, (203, 17)[language == "es"], 0.93, 0.21, 0.004, 1.9, 0.7, True)
        ):
            features[name].append(value)
    write_table(folder / "counts.parquet", counts, COUNTS)
    write_table(folder / "features.parquet", features, FEATURES)


def _history(path: Path, stage: str, heavy: bool) -> None:
    rows = [
        (stage, step, metric, start * (0.25 + 0.75 * float(np.exp(-step / 300))) * (1.2 if heavy else 1.0))
        for metric, start in {"loss": 1.4, "fvu": 0.4, "dead": 0.2}.items()
        for step in range(0, 2001, 100)
    ]
    write_table(path, dict(zip(HISTORY.names, zip(*rows))), HISTORY)


def write_matches(path: Path, groups: dict[str, list[str]]) -> None:
    """What the match stage writes of groups {name: members}: the MCC of pair n is .5 + n/10, that of chance .25."""
    listed = []
    for group, members in groups.items():
        pairs = [*combinations(members, 2), (None, None)]
        for number, (first, second) in enumerate(pairs):
            mcc = 0.25 if first is None else 0.5 + number / 10
            figures = {"mcc": mcc, "mmcs_first": mcc + 0.05, "mmcs_second": mcc + 0.15}
            for of in ("atoms", "live atoms", "codes"):
                for metric, value in {**figures, "matched_above_70": 0.4, "matched_above_90": 0.2}.items():
                    listed.append((group, first, second, of, metric, value, ""))
    rows = listed or [(None, None, None, None, None, None, "not applicable: nothing is alike")]
    write_table(path, dict(zip(MATCHES.names, zip(*rows))), MATCHES)


def write_ceilings(folder: Path, problems: bool) -> None:
    """Of three concepts, at mentions and at the last token; of a fourth, or without problems, none."""
    rows: list[dict[str, Any]] = []
    for concept, shift, n in (("name", 0, 120), ("animal", 1, 20), ("place", 2, 20)) if problems else ():
        for site, mention, last in zip(SITES, (1.0, *shift * [1.0], 0.63, 0.01, 0.01), (0.0, 0.02, 0.34, 0.975)):
            for position, value in (("concept", mention), ("last", last)):
                ends = {"low": max(0.0, value - 0.05), "high": min(1.0, value + 0.05)}
                where = {"concept": concept, "site": site, "position": position}
                rows.append({**where, "success": value, **ends, "n": n, "note": ""})
    none = {"site": "", "position": "", "success": None, "low": None, "high": None, "n": 0}
    rows.append({"concept": "colour", **none, "note": "not applicable: nothing mentions one value of 'colour' twice"})
    write_table(folder / "ceilings.parquet", {name: [row[name] for row in rows] for name in CEILINGS.names}, CEILINGS)
    Place("name", SITE, "concept").save(folder / "place.json")


def write_world(
    folder: Path, params: SimpleNamespace | None = None, *, languages: bool = True, problems: bool = True
) -> None:
    """Write everything the report reads for six invented subjects, or those of `params`; nothing was matched."""
    write_matches(folder / "match.parquet", {})
    write_ceilings(folder, problems)
    for index, line in enumerate(lineage(params or invented_params(), SITE)):
        draw = np.random.default_rng(index)
        heavy, adapted, rows = bool(line.weight), line.stage == "adapt", Rows()
        _shared_rows(rows, heavy, draw)
        if problems:
            _problem_rows(rows, heavy, adapted)
            _concept_rows(rows, heavy)
        else:
            for question in ("solving", "ceiling", "swap", "concepts"):
                rows.without(question, NO_PROBLEMS)
        if languages:
            _language_rows(rows, heavy, draw)
        else:
            for question in ("language_ablation", "steering"):
                rows.without(question, NO_LANGUAGES)
        rows.write(folder / "evaluate" / line.subject / "rows.parquet")
        items = _items(heavy, adapted) if problems else {name: [] for name in ITEMS.names}
        write_table(folder / "evaluate" / line.subject / "items.parquet", items, ITEMS)
        write_table(folder / "evaluate" / line.subject / "examples.parquet", _examples(languages), EXAMPLES)
        _filter(folder / "filter" / line.subject, languages, draw)
        _history(folder / "history" / f"{line.subject}.parquet", line.stage, heavy)
    kept = {key: value for key, value in MODEL_CARD.items() if languages or "." not in key}
    write_json(folder / "model.json", kept)
    write_json(folder / "dataset.json", DATASET_CARD if problems else {"licence": "not stated"})


def report(world: Path, into: Path, params: SimpleNamespace | None = None) -> Path:
    """Run the stage on `world`; the folder that holds `report/` and `summary.json`."""
    main(
        params or invented_params(),
        evaluate=world / "evaluate",
        filter=world / "filter",
        history=world / "history",
        match=world / "match.parquet",
        ceilings=world / "ceilings.parquet",
        place=world / "place.json",
        dataset_card=world / "dataset.json",
        model_card=world / "model.json",
        out=into / "report",
        summary=into / "summary.json",
    )
    return into

"""The keys of the summary: what each one means and how it is taken from a subject's rows, in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from stages._report.matches import Group
from stages._report.readings import ablations, best_swap, control_swap, steering
from stages._report.subjects import Subject

Value = float | None
TEXT_FIRST = ("all", "text", "problem")


class Key(NamedTuple):
    """One key of the summary: its meaning, how it is taken from the rows (in words), and the function that does so."""

    meaning: str
    source: str
    take: Callable[[Subject], Value]


def _mean(values: Iterable[float]) -> Value:
    listed = list(values)
    return fmean(listed) if listed else None


def _steered(subject: Subject, metric: str, strength: Value) -> Value:
    """Mean of a steering metric over languages at one strength."""
    return _mean(curve[strength] for curve in steering(subject, metric).values() if strength in curve)


def best_steering(subject: Subject) -> Value:
    """The strength that the validation split chose for all languages; None if nothing was steered."""
    return subject.row("steering", "method_strength", "langfir").value


def _strength(subject: Subject) -> Value:
    case = best_swap(subject)
    return float(case.removeprefix("swap/")) if case else None


def _ceiling(subject: Subject) -> Value:
    return subject.row("ceiling", "success", "patched").value


def _of_ceiling(subject: Subject) -> Value:
    success, ceiling = subject.row("swap", "success", best_swap(subject) or "").value, _ceiling(subject)
    return success / ceiling if success is not None and ceiling else None


def _pairs(subject: Subject) -> Value:
    return subject.row("swap", "success", best_swap(subject) or "").n


def live_excess(subject: Subject) -> Value:
    """What live atoms have above the floor of so many."""
    mean = subject.row("geometry", "alive_cos2", "all").value
    floor = subject.row("geometry", "alive_welch_floor", "all").value
    return None if mean is None or floor is None else mean - floor


def _excess_ratio(subject: Subject) -> Value:
    own, free = live_excess(subject), subject.reference and live_excess(subject.reference)
    return own / free if own is not None and free else None


def _kept(subject: Subject) -> Value:
    kept = [row["kept"] for row in subject.counts if row["kept"] is not None]
    return sum(kept) if kept else None


def _row(meaning: str, question: str, metric: str, *cases: str) -> Key:
    """A key that is one row's value: the first of `cases` that has one."""
    source = f"{question} / {metric} / {', else '.join(cases)}"
    return Key(meaning, source, lambda subject: subject.row(question, metric, *cases).value)


def _swap(meaning: str, metric: str) -> Key:
    """A key that is one swap metric at the strength that validation pairs chose."""
    return Key(
        meaning,
        f"swap / {metric} / swap/<swap_strength>",
        lambda subject: subject.row("swap", metric, best_swap(subject) or "").value,
    )


def _control(meaning: str, control: str, metric: str) -> Key:
    """A key that is one swap metric of a condition beside the swap, at the same strength."""
    return Key(
        meaning if control == "insert" else f"control: {meaning}",
        f"swap / {metric} / {control}/<swap_strength>",
        lambda subject: subject.row("swap", metric, control_swap(subject, control)).value,
    )


def _concept(meaning: str, pick: str, metric: str) -> Key:
    """A key that is the mean over the values of the first concept, which is the one that swaps are of."""

    def take(subject: Subject) -> Value:
        means = (row.value for case, row in subject.cases("concepts", metric).items() if case.endswith(f"/{pick}"))
        return next(means, None)

    return Key(meaning, f"concepts / {metric} / <ceiling.concept>/{pick}", take)


def _ablation(meaning: str, source: str, *, diagonal: bool) -> Key:
    """A key that is the mean of one part of the language by language table."""
    return Key(
        meaning,
        source,
        lambda subject: _mean(value for (own, text), value in ablations(subject).items() if (own == text) is diagonal),
    )


KEYS: dict[str, Key] = {
    "fvu": _row("variance left unexplained, 0 is a perfect rebuild", "reconstruction", "fvu", *TEXT_FIRST),
    "explained_variance": _row("1 − FVU about the mean", "reconstruction", "explained_variance", *TEXT_FIRST),
    "l0": _row("latents active per token", "reconstruction", "l0", *TEXT_FIRST),
    "alive": _row("latents that fire at all", "reconstruction", "alive", *TEXT_FIRST),
    "mean_cos2": _row("mean squared cosine between two decoder directions", "geometry", "mean_cos2", "all"),
    "welch_floor": _row("the lowest mean squared cosine this many directions allow", "geometry", "welch_floor", "all"),
    "excess_cos2": _row("mean_cos2 − welch_floor", "geometry", "excess_cos2", "all"),
    "alive_cos2": _row("mean squared cosine of pairs of live latents", "geometry", "alive_cos2", "all"),
    "alive_welch_floor": _row("the lowest that so many live ones allow", "geometry", "alive_welch_floor", "all"),
    "welch_excess_ratio": Key(
        "what live directions have above that floor, as a share of what they have there at weight 0",
        "geometry / alive_cos2 − alive_welch_floor, over the same of the subject that differs in its weight alone",
        _excess_ratio,
    ),
    "coactive_cos2": _row("mean squared cosine of pairs that fire together", "geometry", "coactive_cos2", "all"),
    "p99_abs_cos": _row("|cosine| that 99 % of pairs stay below", "geometry", "p99_abs_cos", "all"),
    "max_abs_cos": _row("the most similar pair of directions", "geometry", "max_abs_cos", "all"),
    "unique_below": _row("codes of fewer latents are certainly unique", "geometry", "unique_below", "all"),
    "dead_share": _row("latents that never fire on the evaluation's documents", "geometry", "dead_share", "all"),
    "decoder_norm_p05": _row("length of directions, 5th percentile", "geometry", "decoder_norm_p05", "all"),
    "decoder_norm_median": _row("length of directions, median", "geometry", "decoder_norm_median", "all"),
    "decoder_norm_p95": _row("length of directions, 95th percentile", "geometry", "decoder_norm_p95", "all"),
    "context_tfidf_distance": _row(
        "how different the texts are in which drawn latents fire most: 1 − cosine of tf-idf, which is no explanation",
        "explanations",
        "context_tfidf_distance",
        "",
    ),
    "ce_recovered": _row(
        "cross-entropy kept when the rebuild replaces the activations: 0 as if mean-ablated, 1 as if untouched",
        "fidelity",
        "ce_recovered",
        *TEXT_FIRST,
    ),
    "ce_recovered_problems": _row("the same, on problems only", "fidelity", "ce_recovered", "problem"),
    "kl_recovered": _row("the same share, of the divergence", "fidelity", "kl_recovered", *TEXT_FIRST),
    "answers": _row("held-out problems solved with the SAE spliced in", "solving", "answer", "spliced"),
    "answers_original": _row("held-out problems solved without the SAE", "solving", "answer", "original"),
    "copied": _row("solutions that carry the right name, SAE spliced in", "solving", "copied", "spliced"),
    "copied_original": _row("solutions that carry the right name, no SAE", "solving", "copied", "original"),
    "ceiling": Key(
        "pairs in which the other problem's true activations, patched in without an SAE, turn the name",
        "ceiling / success / patched: the subject's own site and position, on test pairs",
        _ceiling,
    ),
    "ceiling_through_sae": _row("the same, through the SAE", "ceiling", "success", "subject"),
    "swap_success": _swap(
        "pairs in which the new name appears in the continuation and the old one does not", "success"
    ),
    "swap_of_ceiling": Key(
        "swap_success as a share of the ceiling, which has the first pairs of the same split; nothing where that is 0",
        "swap_success / ceiling",
        _of_ceiling,
    ),
    "swap_strength": Key(
        "the strength all swap keys are taken at",
        "swap / strength / chosen: most successes with the answer kept on the validation split",
        _strength,
    ),
    "swap_named": _swap("pairs in which the new name appears, whether the old one does or not", "named"),
    "swap_dropped": _swap("pairs in which the old name is gone from the continuation", "dropped"),
    "swap_kept": _swap("pairs whose answer, which the name does not touch, stays right", "kept"),
    "swap_kept_unswapped": _row("pairs whose answer is right when nothing is swapped", "swap", "kept", "none"),
    "swap_success_and_kept": _swap("pairs with both: success, answer right", "success_and_kept"),
    "swap_exact": _swap("pairs whose continuation is the unswapped one, token by token, but for the names", "exact"),
    "swap_rouge_l": _swap(
        "tokens of the unswapped text that are still there, in order, once the names are made equal", "rouge_l"
    ),
    "swap_kl": _swap("divergence from the unswapped run outside the names (nats per token)", "kl"),
    "swap_others": _swap(
        "change of other names' latents where the swap acts, in units of what is typical of them", "others"
    ),
    "swap_acted": _swap("tokens, of prompt and continuation, at which the swap acts", "acted"),
    "swap_success_at_1": _row("success at strength 1: usual activations, or their length", "swap", "success", "swap/1"),
    "swap_drop": _row("pairs in which the old name is gone when nothing new is written", "swap", "dropped", "swap/0"),
    "swap_insert": _control("pairs in which the new name appears when nothing is silenced", "insert", "named"),
    "swap_random": _control("success when random latents that fire as often are written instead", "random", "success"),
    "swap_random_kept": _control("pairs whose answer stays right when random latents are written", "random", "kept"),
    "swap_random_kl": _control("divergence when random latents are written", "random", "kl"),
    "swap_direction": _control("success when a random direction is written instead", "direction", "success"),
    "swap_direction_kl": _control("divergence when a random direction is written", "direction", "kl"),
    "swap_other": _control("success when another name's latents are written instead", "other", "success"),
    "concept_precision": _concept("firings on the value's tokens, of the first latent swapped", "causal", "precision"),
    "concept_recall": _concept("tokens of the value on which that latent fires", "causal", "recall"),
    "concept_selective_precision": _concept("the same, of the most selective latent", "selective", "precision"),
    "concept_selective_recall": _concept("the same, of the most selective latent", "selective", "recall"),
    "swap_pairs": Key("pairs behind the swap keys", "n of swap / success / swap/<swap_strength>", _pairs),
    "ablation_diagonal": _ablation(
        "cross-entropy added to a language by removing its own latents (nats per token)",
        "mean of language_ablation / delta_ce over cases 'ablate X/on X'",
        diagonal=True,
    ),
    "ablation_off_diagonal": _ablation(
        "cross-entropy added to the other languages by the same removal (nats per token)",
        "mean of language_ablation / delta_ce over cases 'ablate X/on Y', Y not X",
        diagonal=False,
    ),
    "kept_latents": Key(
        "latents the language filter keeps, summed over languages",
        "sum of `kept` in the filter's counts",
        _kept,
    ),
    "steering_best": Key(
        "continuations in the language steered to, mean over languages",
        "mean of steering / accuracy / X/<steering_strength> over languages X",
        lambda subject: _steered(subject, "accuracy", best_steering(subject)),
    ),
    "steering_strength": Key(
        "the strength the steering keys are taken at",
        "steering / method_strength / langfir: most fluent continuations on the validation split",
        best_steering,
    ),
    "steering_unsteered": Key(
        "control: the same share when nothing is steered",
        "mean of steering / accuracy / X/0 over languages X",
        lambda subject: _steered(subject, "accuracy", 0.0),
    ),
    "steering_ce": Key(
        "cross-entropy of the steered text under the unsteered model: the price in fluency (nats per token)",
        "mean of steering / ce / X/<steering_strength> over languages X",
        lambda subject: _steered(subject, "ce", best_steering(subject)),
    ),
}


def adapted_at_zero(subjects: Iterable[Subject]) -> Value:
    """`answers` of the first adapted subject whose dictionary was orthogonalised at weight 0; None if there is none."""
    found = (KEYS["answers"].take(s) for s in subjects if s.line.stage == "adapt" and s.line.weight == 0)
    return next(found, None)


def summarise(subjects: Sequence[Subject], card: Mapping[str, Any], groups: Sequence[Group] = ()) -> dict[str, Value]:
    """`<subject>.<key>` for every key of KEYS, None where it does not apply; `model.<key>` for the card's numbers.

    What the card says of the n-gram model that the language model is compared with keeps its own name, `ngram.<key>`.
    Adaptation has one figure of its own: what it solves where the penalty, at weight 0, took nothing away. Dictionaries
    that were trained from several starts have `match.<group>.<key>`.
    """
    found = {f"{subject.name}.{key}": how.take(subject) for subject in subjects for key, how in KEYS.items()}
    numbers = {key: value for key, value in card.items() if isinstance(value, int | float) and value is not True}
    found["adapt.problem_accuracy_weight0"] = adapted_at_zero(subjects)
    found |= {f"match.{group.name}.{key}": value for group in groups for key, value in group.figures().items()}
    return found | {key if key.startswith("ngram.") else f"model.{key}": value for key, value in numbers.items()}

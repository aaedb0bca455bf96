"""params.yaml, typed. Every stage checks the whole file before it works and reports all mistakes together.

Sections are named after the stages that own them. Numbers that belong to a component (a training loop, a variant, a
question) are defined beside its code as a dataclass; here they are a mapping, which the owning stage turns into that
dataclass with `settings`. So no stage depends on the code of another's components. `python -m tools.check` checks those
too, all at once.
"""

from __future__ import annotations

import json
import re
import reprlib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages._mistakes import ParamsError, explain
from stages._references import unresolved

T = TypeVar("T")


def _check_id(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]+", value):
        raise ValueError(f"'{value}' is not an id; use lower-case letters, digits and _ (DVC splits names at dots)")
    return value


Id = Annotated[str, AfterValidator(_check_id)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(gt=0)]
Settings = dict[str, Any]
Gate = Annotated[Share, "gate"]


class Section(BaseModel):
    """A part of params.yaml: unknown keys and wrong types are errors, nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Seed(Section):
    """Random streams that can be varied apart."""

    data: int
    init: int
    order: int


class Dataset(Section):
    """kind generated: `groups` meanings, each told in a share of `languages`, and problems; files: data/input/text."""

    kind: Literal["generated", "files"]
    groups: int = Field(ge=0)
    languages: dict[Id, Share]
    sentences: list[int] = Field(min_length=2, max_length=2)
    problems: int = Field(ge=0)
    valid: Share
    test: Share
    files: Settings


class Asked(Section):
    """How many held-out problems the language model is asked, and how many tokens a solution may take."""

    problems: Count
    new_tokens: Count


class Model(Section):
    """kind pretrain: train a small Llama; kind folder: open data/input/model. A model below a gate is refused."""

    kind: Literal["pretrain", "folder"]
    pretrain: Settings
    asked: Asked
    min_copied: Gate
    min_answers: Gate


class Controls(Section):
    """Random-token sequences per language; whether tokens of single bytes are left out."""

    sequences: Count
    exclude_bytes: bool


class Tokens(Section):
    """The most tokens that a block may have; sequences that carry no language."""

    context: Count
    controls: Controls


class Ceiling(Section):
    """Which concept is to be turned; a site, or a kind, of which the highest patch ceiling chooses; pairs to ask."""

    concept: Id
    site: Id
    position: Literal["highest", "concept", "last"]
    pairs: int = Field(ge=0)
    other_pairs: int = Field(ge=0)
    new_tokens: Count
    batch: Count


class Activations(Section):
    """One capture: sites (`chosen`: by the ceiling), rows, documents per forward pass, passes per shard, precision."""

    sites: list[Id] = Field(min_length=1)
    rows: Count
    batch: Count
    shard_batches: Count
    precision: Literal["fp32", "bf16"]


class TrainSubject(Section):
    """One base dictionary: how it is trained, where, how many latents, the variant's own numbers, and its own seed.

    seed is added to those of start and order, for this dictionary and for what is made of it.
    """

    variant: Id
    site: Id
    latents: Count
    settings: Settings
    seed: int = 0


class Train(Section):
    """Base dictionaries."""

    fit: Settings
    subjects: dict[Id, TrainSubject]


class OrthogonalizeSubject(Section):
    """Which base dictionary, what of its atoms is penalised (`sieve.dictionary.penalties`), the weight of that mean."""

    sae: Id
    site: Id
    penalty: Literal["raw_sampled", "cosine_full", "coactivation", "hinge", "chunked_max"]
    weight: float = Field(ge=0, allow_inf_nan=False)


class Orthogonalize(Section):
    """Dictionaries whose atoms are pulled apart: error term, lengths of atoms, how many are drawn at once."""

    fit: Settings
    reconstruction: Literal["relative", "nmse"]
    norms: Literal["free", "unit"]
    columns: int = Field(ge=2)
    subjects: dict[Id, OrthogonalizeSubject]


class Match(Section):
    """How many cached rows the codes of dictionaries are compared on that are alike but for their seed."""

    rows: Count


class AdaptSubject(Section):
    """Which dictionary the model is to get used to."""

    sae: Id


class Adapt(Section):
    """LoRA around a frozen decoder. loss solutions: cross-entropy on them; divergence: KL to the original on text."""

    loss: Literal["solutions", "divergence"]
    freeze: Literal["decoder_only", "all"]  # all of the SAE: LoRA alone is trained
    specials: Literal["bypass", "replace"]  # whether the reconstruction is put in the place of BOS too
    fit: Settings
    subjects: dict[Id, AdaptSubject]


class Filter(Section):
    """Documents per forward pass; how latents of languages (LangFIR) and of concepts are found."""

    batch: Count
    languages: Settings
    concepts: Settings


class Examples(Section):
    """Top activating documents: how many per latent, latents per label, documents to look through."""

    per_latent: Count
    latents: Count
    documents: Count


class Evaluate(Section):
    """Documents per forward pass; the questions with their own numbers; examples."""

    batch: Count
    examples: Examples
    questions: dict[Id, Settings]


class Contrast(Section):
    """Subjects `of` less `over`, alike but for one thing, one of each per seed; how many configurations were tried."""

    of: list[Id] = Field(min_length=1)
    over: list[Id] = Field(min_length=1)
    tried: int = Field(ge=0)


class Wiring(Section):
    """The sections whose names refer to each other."""

    subjects: list[Id]
    contrasts: dict[Id, Contrast]
    ceiling: Ceiling
    activations: Activations
    train: Train
    orthogonalize: Orthogonalize
    adapt: Adapt
    filter: Filter


class Params(Wiring):
    """The whole file."""

    seed: Seed
    dataset: Dataset
    model: Model
    tokens: Tokens
    match: Match
    evaluate: Evaluate


def load_params(path: Path) -> Params:
    """Read and check a params file. ParamsError lists every mistake with the nearest known name.

    References between names are checked as soon as the sections that hold them are sound, whatever is wrong elsewhere.
    """
    values = read_values(path)
    mistakes: list[str] = []
    try:
        params = Params.model_validate(values)
    except ValidationError as error:
        mistakes += explain(error, "", Params)
    try:
        wiring = Wiring.model_validate({name: values[name] for name in Wiring.model_fields if name in values})
        mistakes += unresolved(wiring)
    except ValidationError:
        pass  # Params is a Wiring: these mistakes are listed already
    if mistakes:
        raise ParamsError(str(path), mistakes)
    return params


def deciding(params: Params, stage: str, options: dict[str, str]) -> dict[str, Any]:
    """What in params may decide a stage's bits: the seeds and its section, with the one subject that `options` names.

    A gate accepts or refuses what was made and decides no bit of it, so work goes on after it was changed. A stage
    without a section of its own (report) may look at any.
    """
    section = getattr(params, stage, params)
    gates = {name for name, field in type(section).model_fields.items() if "gate" in field.metadata}
    values = section.model_dump(exclude=gates)
    if isinstance(values.get("subjects"), dict):
        values["subjects"] = values["subjects"].get(options.get("subject"))
    return {"seed": params.seed.model_dump(), stage: values}


def settings(kind: type[T], values: Settings, where: str) -> T:
    """The mapping at `where` in params.yaml as the component's own dataclass. ParamsError names every mistake."""
    try:
        # through JSON, because strict Python input would have to be the dataclass already
        return TypeAdapter(kind).validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        raise ParamsError("params.yaml", explain(error, where, kind)) from None


def read_values(path: Path) -> dict[str, Any]:
    """The mapping that a YAML 1.2 file holds, unchecked. ParamsError when there is no file, no YAML or no mapping."""
    if not path.is_file():
        raise ParamsError(str(path), ["there is no such file; run from the project's root, where params.yaml is"])
    try:
        values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ParamsError(str(path), [f"not UTF-8 at byte {error.start}; save the file as UTF-8"]) from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ParamsError(str(path), [f"{place}not YAML: {problem}"]) from None
    if not isinstance(values, dict):
        keys = ", ".join(Params.model_fields)
        raise ParamsError(str(path), [f"given {reprlib.repr(values)}; must be a mapping with the keys {keys}"])
    return values

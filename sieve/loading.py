"""One door to everything that the stages wrote."""

from __future__ import annotations

from pathlib import Path
from typing import overload

from sieve.dictionary.sae import LineageError, Sae
from sieve.features.concepts import Concepts
from sieve.interventions.direction import Direction
from sieve.model.language_model import LanguageModel, open_model
from sieve.provenance import read_tensors
from sieve.subject import Subject, load_subject


def open_folder(model: str | Path, device: str = "cpu") -> LanguageModel:
    """A model as the pipeline keeps it (`network` and `tokenizer` apart) or as Hugging Face does (one folder)."""
    model = Path(model)
    if (model / "network").is_dir():
        return open_model(model / "network", model / "tokenizer", device)
    return open_model(model, device=device)


@overload
def load(path: str | Path, model: str | Path, device: str = "cpu") -> Subject: ...
@overload
def load(path: str | Path, model: None = None, device: str = "cpu") -> Sae | Direction | Concepts: ...
def load(
    path: str | Path, model: str | Path | None = None, device: str = "cpu"
) -> Subject | Sae | Direction | Concepts:
    """A subject's folder (with `model`, its language model's folder), or one file: Sae, Direction or concepts.json.

    LineageError when the files were not made for each other; FileNotFoundError and ValueError say what was expected.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist; "
            "give a subject's folder, an sae.safetensors or a direction's file (dvc repro writes them)"
        )
    if path.is_dir():
        if model is None:
            raise LineageError(
                f"{path} is a subject, which needs its language model; give model=, e.g. model='data/model'"
            )
        return load_subject(path, open_folder(model, device))
    if path.suffix in {".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle"}:
        raise ValueError(
            f"{path} is pickled, and opening it could execute code; in a process that may be lost, load it with "
            "torch's `weights_only=True` and write its tensors with `safetensors.torch.save_file`"
        )
    if path.suffix == ".json":
        return Concepts.load(path)
    kind = read_tensors(path)[1].get("kind")
    return Direction.load(path) if kind == "direction" else Sae.load(path)

"""The names that `import sieve` gives, and what they cost."""

import subprocess
import sys

import pytest

import sieve
from tests.conftest import ROOT

HEAVY = ("torch", "transformers", "peft", "pyarrow", "numpy", "tokenizers", "safetensors")
OF_FEW = ("transformers", "peft", "datasets", "sacrebleu", "py3langid", "pandas", "matplotlib", "jinja2")


def loaded(code: str, names: tuple[str, ...] = HEAVY) -> set[str]:
    """Which of some libraries a fresh interpreter holds after running `code`."""
    show = f"; import sys; print(*[name for name in {names!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code + show], check=True, capture_output=True, text=True, cwd=ROOT)
    return set(run.stdout.split())


def test_importing_is_cheap():
    """`import sieve` loads none of the libraries that it is built on."""
    assert loaded("import sieve; dir(sieve)") == set()


def test_a_sae_needs_no_model_library():
    """Using a Sae loads torch, and neither transformers nor peft nor pyarrow."""
    assert loaded("import sieve; sieve.Sae") & {"torch", "transformers", "peft", "pyarrow"} == {"torch"}


def test_a_subject_needs_no_model_library_until_it_is_opened():
    """Naming everything public loads neither transformers nor peft: they come with the first model."""
    assert loaded("import sieve; [getattr(sieve, n) for n in dir(sieve)]") & {"transformers", "peft"} == set()


@pytest.mark.parametrize(
    ("stages", "wanted"),
    [
        ("dataset", set()),
        (
            "model, tokens, ceiling, activations, train, orthogonalize, match, adapt, filter, evaluate",
            {"torch"},
        ),
        ("report", {"torch", "matplotlib", "jinja2"}),
    ],
)
def test_a_stage_starts_with_what_it_uses(stages, wanted):
    """What only some of the work needs is loaded when that work begins: text needs no torch, nobody a model library."""
    assert loaded(f"from stages import {stages}", (*OF_FEW, "torch")) == wanted


@pytest.mark.parametrize("name", sieve.__all__)
def test_every_public_name_is_there(name):
    """Every public name exists, has a docstring and is the thing of that name."""
    found = getattr(sieve, name)

    assert found.__name__ == name
    assert found.__doc__
    assert name in dir(sieve)


def test_a_wrong_name_lists_the_right_ones():
    """A name that does not exist is an AttributeError that lists those that do."""
    with pytest.raises(AttributeError, match=r"no attribute 'laod'; it has: .*load"):
        _ = sieve.laod

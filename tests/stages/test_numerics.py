"""The numerics lock: what it declares is set, what differs is told, and in strict mode refused."""

import platform
import re
import subprocess
import sys

import pytest
import torch

from stages import _numerics
from stages._numerics import declared, differences, installed_version, set_numerics
from tests.conftest import ROOT
from tools.pin import measured, pinned, proposed

LOCK = ROOT / "env/numerics.lock"


@pytest.fixture(autouse=True)
def as_before():
    """Threads and determinism of this process stay what the tests set."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def lock_with(tmp_path, **versions):
    """A lock that declares other versions."""
    text = LOCK.read_text(encoding="utf-8")
    for package, version in versions.items():
        text = re.sub(rf"^{package}==.*$", f"{package}=={version}", text, flags=re.M)
    (tmp_path / "lock").write_text(text, encoding="utf-8")
    return tmp_path / "lock"


def test_the_lock_is_set_and_holds_here():
    """Threads and matmul are as declared whatever was before, and the environment of the tests is the declared one."""
    torch.set_num_threads(1)
    assert set_numerics(LOCK) == []
    settings, versions = declared(LOCK)
    assert torch.get_num_threads() == int(settings["threads"])
    assert {"torch", "numpy", "pyarrow", "safetensors", "transformers"} <= set(versions)


def test_what_differs_is_told_and_refused_when_strict(tmp_path, monkeypatch):
    """Another version is one warning that names both; with SIEVE_STRICT=1 it is an error that says what to do."""
    lock = lock_with(tmp_path, numpy="1.0.0", peft="9.9.9")
    found = set_numerics(lock)
    assert [line.split(" is ")[0] for line in found] == ["numpy", "peft"]
    assert installed_version("numpy") in found[0] and "1.0.0" in found[0]
    monkeypatch.setenv("SIEVE_STRICT", "1")
    with pytest.raises(ValueError, match=r"numpy is .* declared 1\.0\.0.*tools\.pin"):
        set_numerics(lock)


FAULTS = """
import resource
import torch
from stages._numerics import keep_memory

def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(3):
        torch.ones(2**22)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

system = pages()
keep_memory()
for _ in range(20):  # room is found where some is left
    torch.ones(2**22)
print(system, pages())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_memory_that_was_freed_is_taken_again():
    """A large tensor comes from the system each time, page by page; with memory kept it does no more."""
    said = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True).stdout
    fresh, kept = map(int, said.split())
    assert fresh > 1000
    assert kept < fresh / 100


def test_a_package_that_is_missing_is_told():
    """What the lock names and nobody installed differs too."""
    assert differences({}, {"no-such-package": "1"}) == ["no-such-package is not installed, declared 1"]


def test_pin_declares_what_is_installed(tmp_path):
    """Pinning restores the installed versions, keeps comments and choices, and changes nothing that is right."""
    text = LOCK.read_text(encoding="utf-8")
    assert pinned(text) == text
    assert pinned(lock_with(tmp_path, numpy="1.0.0").read_text(encoding="utf-8")) == text
    assert f"# python: {sys.version_info.major}.{sys.version_info.minor}" in text
    with pytest.raises(ValueError, match="no-such-package is not installed"):
        pinned("no-such-package==1\n")
    assert _numerics.NUMERICS.name == "numerics.lock"


def test_a_matmul_that_is_not_fp32_is_refused(tmp_path, monkeypatch):
    """A declared setting that rounds on this machine is an error that says so; "highest" is never asked."""
    monkeypatch.setattr(_numerics, "matmul_error", lambda: 3e-3)
    assert set_numerics(LOCK) == []
    (tmp_path / "lock").write_text(LOCK.read_text(encoding="utf-8").replace("matmul: highest", "matmul: medium"))
    with pytest.raises(ValueError, match=r"matmul: medium`, which on this machine is less than fp32.*3e-03"):
        set_numerics(tmp_path / "lock")
    torch.set_float32_matmul_precision("highest")


def test_the_fastest_setting_that_is_fp32_is_proposed():
    """Speed counts only where the error is fp32's, and only if there is a gain; measuring leaves the settings alone."""
    exact, rounded = 3e-7, 3e-3
    assert proposed({"highest": (exact, 100), "high": (exact, 104), "medium": (rounded, 900)}) == "highest"
    assert proposed({"highest": (exact, 100), "high": (exact, 100), "medium": (exact, 200)}) == "medium"
    before = torch.get_num_threads()
    assert measured(1)["highest"][0] < 1e-6
    assert torch.get_float32_matmul_precision() == "highest" and torch.get_num_threads() == before

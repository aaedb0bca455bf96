"""What can change a bit without changing an input: versions, threads, matrix multiplication; declared in a lock.

And one setting that changes none: how memory is kept.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NUMERICS = Path("env/numerics.lock")
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of mallopt(3)
FP32_ERROR = 1e-5  # of a product; fp32 is off by 3e-7, bf16 by 3e-3, tf32 by 3e-4


def declared(lock: Path = NUMERICS) -> tuple[dict[str, str], dict[str, str]]:
    """(settings, versions) that the lock declares: `# name: value` and `package==version` lines."""
    text = lock.read_text(encoding="utf-8")
    settings = dict(re.findall(r"^# (python|threads|matmul): (\S+)$", text, flags=re.M))
    return settings, dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)$", text, flags=re.M))


def set_numerics(lock: Path = NUMERICS) -> list[str]:
    """Set threads, matmul precision and deterministic kernels as declared; return what differs from the lock.

    ValueError instead when SIEVE_STRICT=1 and something differs.
    """
    import torch

    settings, versions = declared(lock)
    if not {"threads", "matmul"} <= settings.keys():
        raise ValueError(f"{lock} must declare threads and matmul, e.g. `# threads: 2` and `# matmul: highest`")
    torch.set_num_threads(int(settings["threads"]))
    torch.set_float32_matmul_precision(settings["matmul"])
    if settings["matmul"] != "highest" and (error := matmul_error()) > FP32_ERROR:
        raise ValueError(
            f"{lock} declares `matmul: {settings['matmul']}`, which on this machine is less than fp32 (relative error "
            f"{error:.0e}, not {FP32_ERROR:.0e}); ask `python -m tools.pin --measure` for what is"
        )
    torch.use_deterministic_algorithms(True)
    # Deterministic mode also fills new memory before it is written, which takes a tenth of the time and decides no bit.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    differing = list(differences(settings, versions))
    if differing and os.environ.get("SIEVE_STRICT") == "1":
        raise ValueError(
            f"this environment is not the one that {lock} declares: {'; '.join(differing)}. "
            f"Install it with `pip install -c {lock} …`, or declare this one with `python -m tools.pin`"
        )
    return differing


def keep_memory() -> None:
    """Have the C library keep what is freed for what is asked for next, where it is glibc; elsewhere nothing happens.

    A training step frees and takes the same large tensors every time. As mappings of their own they come from the
    system anew, page by page and zeroed: up to a quarter of a step.
    """
    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)


def matmul_error() -> float:
    """How far an fp32 product is from the same in double precision, relative to its length, as matmul is set now."""
    import torch

    draw = torch.Generator().manual_seed(0)
    a, b = torch.randn(256, 512, generator=draw), torch.randn(512, 256, generator=draw)
    exact = a.double() @ b.double()
    return float(((a @ b).double() - exact).norm() / exact.norm())


def differences(settings: dict[str, str], versions: dict[str, str]) -> list[str]:
    """One line per package, Python or setting that isn't as declared."""
    import torch

    found = {
        "python": ".".join(map(str, sys.version_info[:2])),
        "threads": str(torch.get_num_threads()),
        "matmul": torch.get_float32_matmul_precision(),
    }
    lines = [f"{name} is {found[name]}, declared {value}" for name, value in settings.items() if found[name] != value]
    for package, wanted in versions.items():
        installed = installed_version(package)
        if installed != wanted:
            lines.append(f"{package} is {installed or 'not installed'}, declared {wanted}")
    return lines


def installed_version(package: str) -> str:
    """The installed version without its local part ('2.13.0' for '2.13.0+cpu'); empty when there is none."""
    try:
        return version(package).split("+")[0]
    except PackageNotFoundError:
        return ""

"""pin: declare this environment in env/numerics.lock.

    python -m tools.pin
    python -m tools.pin --measure

Rewrites the version of every package that the lock names, and Python's, to what is installed. Threads and matmul stay:
they are choices. Every stage depends on the lock, so everything runs again.

`--measure` writes nothing. It times torch's settings of matmul with the lock's threads and says which is the fastest
that still is fp32 here: on some processors "medium" takes a quicker library at full precision, on others it rounds.
"""

from __future__ import annotations

import argparse
import re
import sys
import time

from stages._numerics import FP32_ERROR, NUMERICS, declared, installed_version, matmul_error
from tools._project import project_root, run


def pinned(text: str) -> str:
    """The lock's text with the versions of this environment. ValueError for a package that isn't installed."""

    def now(match: re.Match[str]) -> str:
        found = installed_version(match[1])
        if not found:
            raise ValueError(f"{match[1]} is not installed; install it or take its line out of {NUMERICS}")
        return f"{match[1]}=={found}"

    text = re.sub(r"^([A-Za-z0-9_.-]+)==\S+$", now, text, flags=re.M)
    return re.sub(r"^# python: \S+$", f"# python: {sys.version_info.major}.{sys.version_info.minor}", text, flags=re.M)


def measured(threads: int) -> dict[str, tuple[float, float]]:
    """{setting: (error, GFLOP/s of a typical encoder's product, the best of some)}."""
    import torch

    before = torch.get_float32_matmul_precision(), torch.get_num_threads()
    torch.set_num_threads(threads)
    a, b, out = torch.ones(512, 768), torch.ones(768, 8192), torch.empty(512, 8192)
    found = {}
    for name in ("highest", "high", "medium"):
        torch.set_float32_matmul_precision(name)
        seconds = []
        for _ in range(20):
            start = time.perf_counter()
            torch.mm(a, b, out=out)
            seconds.append(time.perf_counter() - start)
        found[name] = matmul_error(), 2 * a.numel() * b.shape[1] / min(seconds) / 1e9
    torch.set_float32_matmul_precision(before[0])
    torch.set_num_threads(before[1])
    return found


def proposed(found: dict[str, tuple[float, float]]) -> str:
    """The fastest setting that is fp32; "highest" unless another is faster by a twentieth."""
    exact = {name: speed for name, (error, speed) in found.items() if error <= FP32_ERROR}
    best = max(exact, key=lambda name: exact[name])
    return best if exact[best] > 1.05 * exact["highest"] else "highest"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true", help="propose a matmul setting; write nothing")
    path = project_root() / NUMERICS
    if parser.parse_args().measure:
        settings, _ = declared(path)
        found = measured(int(settings["threads"]))
        for name, (error, speed) in found.items():
            print(f"{name:8} {speed:6.0f} GFLOP/s, relative error {error:.1e}")
        print(f"{NUMERICS} declares `# matmul: {settings['matmul']}`; proposed: `# matmul: {proposed(found)}`")
        return
    old = path.read_text(encoding="utf-8")
    new = pinned(old)
    path.write_text(new, encoding="utf-8", newline="\n")
    changed = sorted(set(new.splitlines()) - set(old.splitlines()))
    print("\n".join(changed) if changed else f"{NUMERICS} says what is installed already")


if __name__ == "__main__":
    run(main)

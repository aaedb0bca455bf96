"""Write into dvc.yaml what can be derived: the files that each stage imports, and a dependency per subject it compares.

    python -m tools.wire            rewrite the marked lists of ./dvc.yaml
    python -m tools.wire --check    say whether they are up to date (exit status 1 if not)

A list starts at a comment `# code` or `# subjects` and ends at `# end`; a command that ends in `--subjects` goes on
with what its stage's list of subjects holds. DVC can unpack lists into neither, hence the writing.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sieve.provenance import code
from stages._numerics import NUMERICS
from stages._params import Params, load_params
from stages._statement import OWN


def closure(stage: str, root: Path) -> list[str]:
    """Every file of ours that a stage can come to import, relative to `root`, sorted.

    Modules of a registry are left out: dvc.yaml names them by hand, because which of them is needed depends on the
    params. What they import is here.
    """
    paths = code.closure(root / "stages" / f"{stage}.py", root, OWN)
    named = {module for path in paths for module in code.registered(path) if module.name != "__init__.py"}
    folders = {path for path in paths if path.parent.name == "_report"}
    return sorted(path.relative_to(root).as_posix() for path in set(paths) - named - folders)


def wired(text: str, root: Path) -> str:
    """dvc.yaml's text with its marked lists written anew."""
    params = load_params(root / "params.yaml")
    lines, stage, skipping = [], "", False
    for line in text.splitlines():
        if match := re.fullmatch(r"  ([a-z_]+):", line):
            stage = match[1]
        if match := re.fullmatch(r"(    cmd: .* --subjects)( '[^']*')*", line):
            line = " ".join([match[1], *(f"'{entry}'" for entry in _subjects(stage, params))])
        if mark := re.fullmatch(r"( *)# (code|subjects)", line):
            skipping = True
            lines.append(line)
            lines += [f"{mark[1]}- {entry}" for entry in _entries(mark[2], stage, params, root)]
        if skipping and line.strip() == "# end":
            skipping = False
        if not skipping:
            lines.append(line)
    if skipping:
        raise ValueError(f"dvc.yaml: a marked list of stage '{stage}' has no '# end'")
    return "\n".join(lines) + "\n"


def _entries(mark: str, stage: str, params: Params, root: Path) -> list[str]:
    return [NUMERICS.as_posix(), *closure(stage, root)] if mark == "code" else _subjects(stage, params)


def _subjects(stage: str, params: Params) -> list[str]:
    """What of the subjects a stage reads: report what is said of all, match those that are not adapted themselves."""
    if stage == "match":
        return [f"data/subjects/{s}" for s in params.subjects if s not in params.adapt.subjects]
    parts = ("data/evaluate/{}", "data/filter/{}", "data/history/{}.parquet")
    return [part.format(s) for s in params.subjects for part in parts]


def main(argv: list[str]) -> int:
    """See the module's docstring."""
    path = Path("dvc.yaml")
    old = path.read_text(encoding="utf-8")
    new = wired(old, Path.cwd())
    if "--check" in argv:
        print("dvc.yaml is up to date" if new == old else "dvc.yaml is out of date: run `python -m tools.wire`")
        return int(new != old)
    path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

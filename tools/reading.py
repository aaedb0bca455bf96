"""reading: sentences of the generated world in every language beside their English, for a human to check.

    python -m tools.reading [--sentences 20] [--seed 0] [LANGUAGE ...]

Different seeds show different sentences. Every sentence shown is one that `dvc repro` could write.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from sieve.text.document import compose
from sieve.text.languages import LANGUAGES, sentence
from sieve.text.world import keyed_random, tell
from tools._project import run


def sheet(languages: list[str], sentences: int, seed: int) -> Iterator[str]:
    """The lines of the sheet: per language, each English sentence and below it the same in that language."""
    clauses = [
        keyed_random(seed, "sheet", i).choice(tell(keyed_random(seed, "world", i), 3, 8)) for i in range(sentences)
    ]
    for language in languages:
        yield f"\n{language}\n"
        for number, clause in enumerate(clauses, start=1):
            yield f"{number:3}. {compose([sentence('en', clause)])[0]}"
            yield f"     {compose([sentence(language, clause)])[0]}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "languages", nargs="*", metavar="LANGUAGE", default=[name for name in LANGUAGES if name != "en"]
    )
    parser.add_argument("--sentences", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    unknown = [name for name in given.languages if name not in LANGUAGES]
    if unknown:
        raise ValueError(f"there is no language {', '.join(unknown)}; there are: {', '.join(LANGUAGES)}")
    for line in sheet(given.languages, given.sentences, given.seed):
        print(line)


if __name__ == "__main__":
    run(main)

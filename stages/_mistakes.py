"""How mistakes in params.yaml are told: where each one is, what was given, what was expected."""

from __future__ import annotations

import difflib
import reprlib
from typing import Any

from pydantic import ValidationError


class ParamsError(ValueError):
    """Everything that is wrong with a params file, in one message; `mistakes` holds its lines one by one."""

    def __init__(self, where: str, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        count = f"{len(mistakes)} mistake{'s' * (len(mistakes) > 1)}"
        super().__init__(f"{count} in {where}:\n  " + "\n  ".join(mistakes))


def explain(error: ValidationError, where: str, root: Any) -> list[str]:
    """One line per mistake: where it is, what was given, what was expected, and a neighbour for a misspelt name."""
    lines = []
    for item in error.errors():
        location = tuple(part for part in item["loc"] if part != "[key]")
        place = ".".join(str(part) for part in (*([where] if where else []), *location))
        if item["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
            known = _names_at(root, location[:-1])
            near = difflib.get_close_matches(str(location[-1]), known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
            lines.append(f"{place}: unknown key; {hint}")
        elif item["type"] == "missing":
            lines.append(f"{place}: missing")
        elif item["type"] == "value_error":
            lines.append(f"{place}: {item['ctx']['error']}")
        else:
            lines.append(f"{place}: given {reprlib.repr(item['input'])}; {_expected(item['type'], item['msg'])}")
    return lines


def _expected(kind: str, message: str) -> str:
    if kind in {"model_type", "dataclass_type", "dict_type"}:
        return "must be a mapping"
    message = message.replace("Input should be", "must be").replace(" after validation", "")
    return message[0].lower() + message[1:]


def _names_at(root: Any, location: tuple[Any, ...]) -> list[str]:
    """The keys that are known at a place in the tree of sections; mappings from ids to sections are stepped over."""
    here = root
    for part in location:
        fields = getattr(here, "model_fields", {})
        values = getattr(here, "__args__", ())  # of dict[Id, section]
        here = values[-1] if values else fields[part].annotation
    return list(getattr(here, "model_fields", None) or here.__dataclass_fields__)

"""Params that remember which of them were read, so that what dvc.yaml declares can be compared with what is true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stages._params import Section


class Recorded:
    """Stands in for a section of params: the same attributes, every value that is read noted under its full name."""

    def __init__(self, section: Section, name: str, read: dict[str, Any]) -> None:
        self._section, self._name, self._read = section, name, read

    def __getattr__(self, key: str) -> Any:
        return _note(getattr(self._section, key), f"{self._name}.{key}".lstrip("."), self._read)


class RecordedMapping:
    """Stands in for a mapping from ids to sections. Its ids may be looked at; a section counts once it is taken."""

    def __init__(self, sections: dict[str, Section], name: str, read: dict[str, Any]) -> None:
        self._sections, self._name, self._read = sections, name, read

    def __getitem__(self, key: str) -> Any:
        return _note(self._sections[key], f"{self._name}.{key}", self._read)

    def __contains__(self, key: object) -> bool:
        return key in self._sections

    def __iter__(self) -> Iterator[str]:
        self._read[self._name] = sorted(self._sections)
        return iter(self._sections)

    def items(self) -> list[tuple[str, Any]]:
        """As of a dict."""
        return [(key, self[key]) for key in self]


def _note(value: Any, name: str, read: dict[str, Any]) -> Any:
    if isinstance(value, Section):
        return Recorded(value, name, read)
    if isinstance(value, dict) and value and all(isinstance(v, Section) for v in value.values()):
        return RecordedMapping(value, name, read)
    read[name] = value
    return value

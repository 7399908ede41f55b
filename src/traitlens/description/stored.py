"""`statistics.json` back into records.

The file lies in a folder that may come from anywhere, so nothing is taken on trust: a value of
another type than its field's makes the whole file one that does not count.
"""

from __future__ import annotations

import dataclasses
import types
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from traitlens import files
from traitlens.description.statistics import DESCRIPTION_VERSION, Description

STATISTICS = "statistics.json"

_LARGEST = 2**63


def read_stored(folder: Path, fingerprint: str) -> Description | None:
    """Return the description that was stored in `folder` of just this data, or None."""
    try:
        found = description_from_json(files.read_json(folder / STATISTICS))
    except (OSError, ValueError):
        return None
    fits = found.fingerprint == fingerprint and found.version == DESCRIPTION_VERSION
    return found if fits else None


def description_from_json(value: Any) -> Description:
    """Return the description that `to_json` gave; raise ValueError for any other value."""
    made = _read(Description, value)
    assert isinstance(made, Description)
    return made


def _read(kind: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(kind):
        return _read_record(kind, value)
    if isinstance(kind, types.UnionType):  # "str | None"
        return None if value is None else _read(get_args(kind)[0], value)
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], item) for item in _of_type(list | tuple, value))
    if get_origin(kind) is dict:
        return {key: _read(get_args(kind)[1], item) for key, item in _of_type(dict, value).items()}
    return float(_of_type(int | float, value)) if kind is float else _of_type(kind, value)


def _read_record(kind: Any, value: Any) -> Any:
    fields = _fields(kind)
    if set(_of_type(dict, value)) != set(fields):
        raise ValueError(f"these are not the fields of {kind.__name__}: {sorted(value)[:40]}")
    return kind(**{name: _read(fields[name], item) for name, item in value.items()})


@cache
def _fields(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _of_type(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"expected {kind}, got {type(value).__name__}")
    if isinstance(value, int | float) and not abs(value) < _LARGEST:
        raise ValueError(f"no count of anything: {str(value)[:40]}")
    return value

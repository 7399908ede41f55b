"""Configs: frozen dataclasses, checked at construction, written beside every output as JSON."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import tomllib
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from traitlens.errors import ConfigError

Config = TypeVar("Config")

NONE = "none"  # how None is written where there is no word for it, as in TOML


def to_dict(config: Any) -> dict[str, Any]:
    """Return a config dataclass as plain, JSON-ready values."""
    return json.loads(json.dumps(dataclasses.asdict(config)))  # type: ignore[no-any-return]


def from_dict(kind: type[Config], values: Mapping[str, Any], *, where: str = "") -> Config:
    """Return a config dataclass from plain values, nested ones too; what is absent has its default.

    `where` is the path of `kind` in the whole config, such as "masking". Raises ConfigError for a
    field that there is not, with those that there are, and for a value of another type.
    """
    hints = get_type_hints(kind)
    fields = {field.name: hints[field.name] for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    given = {}
    for name, value in values.items():
        path = f"{where}.{name}" if where else name
        if name not in fields:
            raise ConfigError(_unknown(path, name, fields))
        given[name] = _read(path, value, fields[name])
    return kind(**given)


def _unknown(path: str, name: str, fields: Iterable[str]) -> str:
    close = nearest(name, fields)
    meant = f" (did you mean {close}?)" if close else ""
    return f"there is no field {path!r}{meant}; accepted: {', '.join(fields)}"


def _read(path: str, value: Any, hint: Any) -> Any:
    """Return a plain value as what the type hint asks for."""
    if get_origin(hint) in (Union, types.UnionType):
        if value is None or value == NONE:
            return None
        hint = next(one for one in get_args(hint) if one is not types.NoneType)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{path} has fields of its own and is no single value: {value!r}")
        return from_dict(hint, value, where=path)
    wanted = get_origin(hint) or hint
    if wanted is float and type(value) is int:
        return float(value)
    if wanted is tuple and isinstance(value, list):
        return tuple(value)
    if isinstance(wanted, type) and type(value) is not wanted:
        raise ConfigError(f"{path} must be of type {wanted.__name__}; got {value!r}")
    return value


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says; raise ConfigError for what is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from None


def put(values: dict[str, Any], path: str, value: Any) -> None:
    """Set the field at a dotted path of nested plain values, such as "masking.p"."""
    *tables, name = path.split(".")
    for table in tables:
        values = values.setdefault(table, {})
        if not isinstance(values, dict):
            raise ConfigError(f"{path!r} is no field: {table} is a single value, {values!r}")
    values[name] = value


def read_assignment(text: str) -> tuple[str, Any]:
    """Return the path and the value of "masking.p=0.5"; what is no TOML value is taken as a string.

    Raises ConfigError for what is no assignment.
    """
    path, equals, value = (part.strip() for part in text.partition("="))
    if not (path and equals and value):
        raise ConfigError(f"expected field=value, such as masking.p=0.5; got {text!r}")
    try:
        return path, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return path, value


def fingerprint(*parts: Any) -> str:
    """Return 16 hex digits that change when any of the JSON-ready `parts` changes."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def version_of(package: str) -> str:
    """Return the version of an installed package, or "absent"."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


def nearest(value: str, accepted: Iterable[str]) -> str | None:
    """Return the accepted name that is spelt most like `value`, or None when none is close."""
    by_lower = {name.lower(): name for name in accepted}
    found = difflib.get_close_matches(value.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def check_choice(option: str, value: str, accepted: Iterable[str]) -> None:
    """Raise ConfigError unless `value` is one of the `accepted` ones."""
    names = tuple(accepted)
    if value not in names:
        raise ConfigError(f"{option} must be one of {', '.join(names)}; got {value!r}")


def check_range(option: str, value: float, *, low: float, high: float = float("inf")) -> None:
    """Raise ConfigError unless `low` <= `value` <= `high`; NaN is in no range."""
    if not low <= value <= high:
        limit = f"in [{low:g}, {high:g}]" if high < float("inf") else f"at least {low:g}"
        raise ConfigError(f"{option} must be {limit}; got {value!r}")

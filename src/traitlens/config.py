"""Configs: frozen dataclasses, checked at construction, written beside every output as JSON."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from traitlens.errors import ConfigError


def to_dict(config: Any) -> dict[str, Any]:
    """Return a config dataclass as plain, JSON-ready values."""
    return json.loads(json.dumps(dataclasses.asdict(config)))  # type: ignore[no-any-return]


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

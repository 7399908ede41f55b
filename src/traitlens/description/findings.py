"""What other stages found out about a data set, and left in its folder.

    leaks.json     {"equal_pixels": {"total": 3, ...}, "near_duplicates": {"total": 12, ...}}
    filters.json   [{"collection": ..., "rule": ..., "value": ..., "limit": ..., "fell": true}]

They may be absent, or from a later version: what is not understood is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traitlens import files
from traitlens.plain_text import one_line

LEAKS = "leaks.json"
FILTERS = "filters.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """How many tokens of one split have a double of some kind in another."""

    kind: str
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallen:
    """A collection that fell to a filter, and the value that was beyond the rule's limit."""

    collection: str
    rule: str
    value: str
    limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found; None where nobody has looked."""

    leaks: tuple[Leak, ...] | None
    fallen: tuple[Fallen, ...] | None


def read_findings(folder: Path) -> Findings:
    """Return the findings that lie in the folder of a data set."""
    leaks, filters = _read(folder / LEAKS), _read(folder / FILTERS)
    return Findings(
        leaks=_leaks(leaks) if isinstance(leaks, dict) else None,
        fallen=_fallen(filters) if isinstance(filters, list) else None,
    )


def _read(path: Path) -> Any:
    try:
        return files.read_json(path)
    except (OSError, ValueError):
        return None


def _leaks(value: dict[str, Any]) -> tuple[Leak, ...]:
    totals = {kind: found.get("total") for kind, found in value.items() if isinstance(found, dict)}
    return tuple(
        Leak(kind=one_line(kind.replace("_", " ")), total=total)
        for kind, total in totals.items()
        if isinstance(total, int)
    )


def _fallen(value: list[Any]) -> tuple[Fallen, ...]:
    rows = [row for row in value if isinstance(row, dict) and row.get("fell")]
    return tuple(
        Fallen(
            **{
                name: "" if row.get(name) is None else one_line(str(row[name]))
                for name in ("collection", "rule", "value", "limit")
            }
        )
        for row in rows
    )

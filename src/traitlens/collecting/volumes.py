"""A list of sales volumes that the user brings, as CSV.

    name,volume
    Azuki,"1,234,567.8"
    0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d,812441

One row a collection, known by its contract or by its name, with a volume in any one unit. With a
heading, its columns may stand in any order among others; without, they are the first two. Commas,
semicolons or tabs stand between the columns. The paper took the 1,000 collections of the largest
sales volume (Wang et al. 2024, section 4), so a list orders the catalogue and its top may be
taken.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from traitlens.collecting.catalogue import known
from traitlens.errors import CollectError

MAX_BYTES = 1 << 26  # of the file

# Commas stand between thousands only: 1.234,5 is another number to half of the world.
_NUMBER = re.compile(r"([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")
_WHO = ("address", "contract", "contract_address", "name", "collection", "project_name")
_VOLUME = ("volume", "sales", "sales_volume", "volume_total", "total_volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Volumes:
    """The volumes of a list: by contract where NFT1000 has the collection, else as it was named."""

    known: dict[str, float]  # contract -> volume
    unknown: dict[str, float]  # name or address as in the list -> volume


def read_volumes(path: str | Path) -> Volumes:
    """Return the volumes of a CSV file.

    Raises CollectError that names the line for a volume that is no number of at least 0, a
    collection that stands there twice, or a list without a row; OSError for a missing file.
    """
    path = Path(path)
    volumes = Volumes(known={}, unknown={})
    for line, who, volume in _rows(path):
        entry = known(who)
        side, key = (volumes.known, entry.contract) if entry else (volumes.unknown, who)
        if key in side:
            raise CollectError(f"{path}, line {line}, has {who!r}, which stands above already")
        side[key] = _number(volume, f"{path}, line {line}")
    if not volumes.known and not volumes.unknown:
        raise CollectError(f"{path} has no rows; expected an address or a name, and a volume")
    return volumes


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the number of the line, the name or address, and the volume of each row."""
    text = _text(path)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    columns: tuple[int, int] | None = None
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if columns is None:
                heading = _heading(row)
                columns = heading or (0, 1)
                if heading:
                    continue
            if len(row) <= max(columns):
                raise CollectError(
                    f"{path}, line {rows.line_num}, has {len(row)} columns; "
                    "expected an address or a name, and a volume"
                )
            yield rows.line_num, row[columns[0]].strip(), row[columns[1]]
    except csv.Error as error:
        raise CollectError(f"{path}, line {rows.line_num}, is no CSV: {error}") from error


def _delimiter(text: str) -> str:
    """Return what stands between the columns; a comma may stand in a number of another kind."""
    first = text.lstrip().partition("\n")[0]
    return next((sign for sign in "\t;" if sign in first), ",")


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise CollectError(f"{path} is larger than {MAX_BYTES:,} bytes, so it is no volume list")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CollectError(f"{path} is not UTF-8 text (byte {error.start})") from error


def _heading(row: Sequence[str]) -> tuple[int, int] | None:
    """Return where a heading has the collection and the volume; None where it is none."""
    names = [cell.strip().casefold().replace(" ", "_") for cell in row]
    who = next((names.index(name) for name in _WHO if name in names), None)
    volume = next((names.index(name) for name in _VOLUME if name in names), None)
    return None if who is None or volume is None else (who, volume)


def _number(text: str, where: str) -> float:
    plain = text.strip()
    volume = float(plain.replace(",", "")) if _NUMBER.fullmatch(plain) else math.nan
    if not 0 <= volume < math.inf:
        raise CollectError(f"{where}, has the volume {text!r}; expected a number of at least 0")
    return volume

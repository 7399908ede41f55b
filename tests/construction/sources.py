"""Small collections on disk, for builds."""

import hashlib
import json
from pathlib import Path

from tests.helpers import draw, png

COLOURS = ["red", "green", "blue", "yellow", "black", "white"]


def write_collection(path: Path, count: int) -> Path:
    """Write `count` distinct tokens, each with a repeated trait type."""
    for i in range(count):
        parts = {part: COLOURS[i // 6**n % 6] for n, part in enumerate(("background", "hat"))}
        (path / "images").mkdir(parents=True, exist_ok=True)
        (path / "metadata").mkdir(exist_ok=True)
        (path / f"images/{i}.png").write_bytes(png(draw(parts)))
        attributes: list[dict[str, str | int]] = [
            {"trait_type": "Part", "value": f"{colour} {part}"} for part, colour in parts.items()
        ]
        attributes.append({"trait_type": "Number", "value": i})
        (path / f"metadata/{i}.json").write_text(json.dumps({"attributes": attributes}))
    return path


def bytes_of(folder: Path) -> dict[str, str]:
    """Return the hash of each file of a folder by its name in it."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }

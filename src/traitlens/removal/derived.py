"""What was made of tokens, and must go with them: in the data set's folder and beside it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from traitlens import description, files, split
from traitlens.captions.written import WRITER, captions_folder, written_names
from traitlens.config import fingerprint
from traitlens.errors import ModelError
from traitlens.progress import Progress
from traitlens.separation import forget_values
from traitlens.separation.masks import FOLDER
from traitlens.store import Dataset

LEAKS = "leaks.json"
RUN_SUMMARY = "training.json"

# Written last of all that describes a data set, so what has it has the rest
_LAST_DESCRIBED = "croissant.json"
_DESCRIBING = (_LAST_DESCRIBED, "SHA256SUMS")

# What `files.writing` and `files.replacing_folder` leave behind when they are killed
_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}")


def clear_leftovers(data: Path) -> tuple[str, ...]:
    """Remove what killed commands left in and beside a data set: it may show what goes."""
    beside = [
        found
        for found in data.parent.glob(f".{data.name}.*")
        if found.name.removeprefix(f".{data.name}.") in ("unfinished", "old")
        or (_TEMPORARY.fullmatch(found.name) and found.is_dir())
    ]
    folders = (data, data / "tokens", data / FOLDER, *data.glob("captions/*"))
    inside = [
        found
        for folder in folders
        for found in folder.glob(".*")
        if found.is_file() and _TEMPORARY.fullmatch(found.name)
    ]
    for found in inside:
        found.unlink()
    for found in beside:
        shutil.rmtree(found)
    return tuple(sorted(found.name for found in (*inside, *beside)))


def undescribe(data: Path) -> None:
    """Mark a data set as one that must be described again."""
    for name in _DESCRIBING:
        (data / name).unlink(missing_ok=True)


def describe_again(data: Dataset, *, progress: Progress) -> None:
    """Write the leaks, if they were known, and the card, sheets and checksums anew."""
    if (data.path / LEAKS).is_file():
        split.write_leaks(data, progress=progress)
    description.write(data, progress=progress)


def is_described(data: Path) -> bool:
    """Return whether the description is complete."""
    return (data / _LAST_DESCRIBED).is_file()


def forget_components(data: Path, left: Mapping[str, Collection[tuple[str, str]]]) -> int:
    """Forget the trait values that no token has any longer; return how many there were."""
    return sum(forget_values(data / FOLDER, name, left=values) for name, values in left.items())


def adopt_captions(data: Path, *, old: Collection[str], new: str) -> None:
    """Let captions that were written for the data set go on being its captions."""
    for name in written_names(data):
        file = captions_folder(data, name) / WRITER
        try:
            value = files.read_json(file)
        except ValueError:
            continue  # `write_captions` will refuse it
        if isinstance(value, dict) and value.get("data") in old:
            described = {**value, "data": new}
            described.pop("fingerprint", None)
            files.write_json(file, {"fingerprint": fingerprint(described), **described})


def trained_on(run: Path) -> str:
    """Return the fingerprint of the data set of a run; raise ModelError when it is no run."""
    try:
        return str(files.read_json(run / RUN_SUMMARY)["data"]["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{run} is no run: it has no {RUN_SUMMARY} that names its data set"
        ) from error

"""`takedown`: tokens leave a data set and all that was made of it.

Of a token's row its uid stays, with `status = "rejected"` and the reason "taken down", so that
counts close and rows keep their places; picture, traits, texts and hashes go. `blocked.txt` keeps
what was asked for, and is written first: a run that is killed is finished by the next one, also by
one that asks for nothing. The order is

    blocked.txt                   what goes is known
    leftovers                     of killed commands
    tokens/*.parquet              one shard after the other, whole or not at all
    components, captions          what shows or says something of a token
    dataset.json                  new counts, a new fingerprint, and the old ones
    card, sheets, checksums       made anew
    indexes                       the points go, the fingerprint follows

What a model has learnt cannot be taken out of it: such runs are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from traitlens import files, shards
from traitlens.captions import forget_captions
from traitlens.captions.written import only_writer
from traitlens.config import fingerprint
from traitlens.filtering import BLOCKED_FILE, BlockList, emptied
from traitlens.progress import Progress, silent
from traitlens.records import Token
from traitlens.removal import derived
from traitlens.removal.surveying import TAKEN_DOWN, Survey, Taken, copies, survey
from traitlens.retrieval.deleting import check_index, delete_tokens
from traitlens.store import MANIFEST, Dataset, Manifest

# In the manifest's config: one entry a take-down, with the fingerprint that the data set had
HISTORY = "takedowns"

_BLOCKED_HEAD = (
    "# What was taken down from this data set, and must not come back:\n"
    "# traitlens build ... --block-list blocked.txt\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakedownReport:
    """What was taken down, or would be with `dry_run`.

    `unmatched` entries name no token: the bytes of the originals are not kept, so a CID is only
    known when the metadata link it or when it is that of a single raw block. `copies` are kept
    tokens that show the very pixels of one that goes. `retrain` names the runs that were trained
    while the tokens were there.
    """

    taken: tuple[Taken, ...]
    earlier: int
    unmatched: tuple[str, ...]
    copies: tuple[str, ...]
    captions: int = 0
    values: int = 0  # that only these tokens had, and whose components are forgotten
    indexes: dict[str, int]  # points deleted
    retrain: tuple[str, ...]
    cleared: tuple[str, ...] = ()  # leftovers of killed commands
    dry_run: bool


def takedown(
    data: Dataset | str | Path,
    blocked: BlockList | None = None,
    *,
    indexes: Iterable[str | Path] = (),
    runs: Iterable[str | Path] = (),
    dry_run: bool = False,
    progress: Progress = silent,
) -> TakedownReport:
    """Take what `blocked` names down from a data set and its indexes; return what that was.

    Without `blocked`, what was asked for earlier is finished. An index of another data set is an
    IndexingError, a folder that is no run a ModelError, both before anything is touched.
    """
    # Opened anew: another take-down may have changed it.
    data = Dataset.open(data.path if isinstance(data, Dataset) else data)
    asked, listed = blocked or BlockList(), _listed(data.path)
    marks = {data.manifest.fingerprint, *_earlier_marks(data.manifest)}
    places = [Path(index) for index in indexes]
    for place in places:
        check_index(place, fingerprints=marks)
    trained = {str(run): derived.trained_on(Path(run)) for run in runs}
    guard: AbstractContextManager[None] = nullcontext() if dry_run else only_writer(data.path)
    with guard:
        found = survey(data, asked | listed, progress=progress)
        report = TakedownReport(
            taken=found.taken,
            earlier=len(found.earlier),
            unmatched=_unmatched(asked, listed, found),
            copies=copies(data, found.taken),
            indexes=dict.fromkeys(map(str, places), 0),
            retrain=(),
            dry_run=dry_run,
        )
        if not dry_run:
            report = _take_down(data, asked | listed, found, report, progress=progress)
            data = Dataset.open(data.path)
            counts = _delete_points(places, found, data, progress=progress)
            report = replace(report, indexes=counts)
    old = {*_earlier_marks(data.manifest)} | (marks if found.taken else set())
    return replace(report, retrain=tuple(run for run, mark in trained.items() if mark in old))


def _listed(folder: Path) -> BlockList:
    file = folder / BLOCKED_FILE
    return BlockList.read(file) if file.is_file() else BlockList()


def _unmatched(asked: BlockList, listed: BlockList, found: Survey) -> tuple[str, ...]:
    """Return the new entries that name no token."""
    matched = {entry for token in found.taken for entry in token.entries}
    known = matched | set(listed.lines()) | set(found.earlier)
    return tuple(entry for entry in asked.lines() if entry not in known)


def _take_down(
    data: Dataset,
    blocked: BlockList,
    found: Survey,
    report: TakedownReport,
    *,
    progress: Progress,
) -> TakedownReport:
    """Do all but the indexes, in the order that lets another run go on."""
    if not found.token_uids:
        return report
    blocked |= BlockList.of(found.token_uids)
    files.write_text(data.path / BLOCKED_FILE, "\n".join([_BLOCKED_HEAD, *blocked.lines(), ""]))
    cleared = derived.clear_leftovers(data.path)
    if found.rows:
        derived.undescribe(data.path)
    _empty_rows(data, found, progress=progress)
    values = derived.forget_components(data.path, found.left)
    captions = forget_captions(data.path, found.token_uids)
    manifest = _manifest(data.manifest, found)
    derived.adopt_captions(data.path, old=_earlier_marks(manifest), new=manifest.fingerprint)
    if manifest != data.manifest:
        derived.undescribe(data.path)
        files.write_json(data.path / MANIFEST, manifest.to_json())
    if not derived.is_described(data.path):
        derived.describe_again(Dataset(data.path, manifest), progress=progress)
    return replace(report, captions=captions, values=values, cleared=cleared)


def _empty_rows(data: Dataset, found: Survey, *, progress: Progress) -> None:
    """Write the shards anew that have rows to be emptied."""
    for number, (shard, rows) in enumerate(sorted(found.rows.items())):
        progress("take down", number, len(found.rows), shard)
        path = data.path / "tokens" / shard
        shards.write_shard(path, _emptied(path, rows))
    if found.rows:
        progress("take down", len(found.rows), len(found.rows))


def _emptied(path: Path, rows: frozenset[int]) -> Iterator[Token]:
    for row, token in enumerate(shards.read_shard(path)):
        yield emptied(token, TAKEN_DOWN) if row in rows else token


def _earlier_marks(manifest: Manifest) -> list[str]:
    """Return the fingerprints that the data set had before its take-downs, in their order."""
    return [str(entry["before"]) for entry in manifest.config.get(HISTORY, [])]


def _manifest(before: Manifest, found: Survey) -> Manifest:
    """Return the manifest of the data set without its tokens; an unchanged one stays equal."""
    history: list[dict[str, Any]] = before.config.get(HISTORY, [])
    origin = history[0]["before"] if history else before.fingerprint
    mark = fingerprint(HISTORY, origin, found.token_uids)
    if mark == before.fingerprint:
        return before
    tokens = len(found.token_uids) - sum(entry["tokens"] for entry in history)
    entry = {"before": before.fingerprint, "tokens": tokens}
    return replace(
        before,
        fingerprint=mark,
        config={**before.config, HISTORY: [*history, entry]},
        collections=found.entries,
    )


def _delete_points(
    indexes: list[Path], found: Survey, data: Dataset, *, progress: Progress
) -> dict[str, int]:
    """Delete the tokens from the indexes, and return how many each had."""
    counts = {}
    for number, index in enumerate(indexes):
        progress("indexes", number, len(indexes), index.name)
        mark = data.manifest.fingerprint
        counts[str(index)] = delete_tokens(index, found.token_uids, data_fingerprint=mark)
    if indexes:
        progress("indexes", len(indexes), len(indexes))
    return counts

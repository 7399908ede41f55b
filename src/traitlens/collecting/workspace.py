"""The hidden folder in which a run works, and how its outcome gets to where it belongs.

    .raw.collecting/        beside raw/
      choice.json           what was asked for; a run with another choice does not go on here
      plan.json             the contract at its block, and what changed since the last run
      listing.jsonl         the tokens that are asked about
      ledger.jsonl          their records, as they come
      run.jsonl             when each was fetched, from where, in how many seconds
      content/              metadata/ and images/ of what this run fetched
      final/                the lists of the finished collection, once all is there
      committing            from here on only files are moved, and a killed run does just that

A first run's content becomes raw/ by one rename. A later run's files are moved in one by one, as
are those of a first one where raw/ is an empty folder; each move can be done twice, so a killed one
is taken up.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from traitlens import files
from traitlens.collecting.ledger import RESTART, cut_torn_line
from traitlens.collecting.records import Contract
from traitlens.errors import CollectError

INFO = "collection.json"
TOKENS = "tokens.jsonl"
HISTORY = "history.jsonl"
RUNS = "run.jsonl"
METADATA = "metadata"
IMAGES = "images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run found out at its beginning, and holds to when it is taken up."""

    contract: Contract
    follows: bool = False  # the changes since the last run are known: nothing is listed anew
    minted: frozenset[int] = frozenset()
    refreshed: frozenset[int] = frozenset()  # ids that the chain says to look at again
    burnt: frozenset[int] = frozenset()
    everything: bool = False  # the chain says to look at all again

    def to_json(self) -> dict[str, Any]:
        return {
            "contract": asdict(self.contract),
            "follows": self.follows,
            "minted": sorted(self.minted),
            "refreshed": sorted(self.refreshed),
            "burnt": sorted(self.burnt),
            "everything": self.everything,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Plan:
        return Plan(
            contract=Contract(**value["contract"]),
            follows=value["follows"],
            minted=frozenset(value["minted"]),
            refreshed=frozenset(value["refreshed"]),
            burnt=frozenset(value["burnt"]),
            everything=value["everything"],
        )


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder of an unfinished run for the raw folder `out`."""

    out: Path

    @property
    def path(self) -> Path:
        return self.out.with_name(f".{self.out.name}.collecting")

    @property
    def content(self) -> Path:
        return self.path / "content"

    @property
    def listing(self) -> Path:
        return self.path / "listing.jsonl"

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.jsonl"

    @property
    def committing(self) -> Path:
        return self.path / "committing"

    @property
    def runs(self) -> Path:
        return self.path / RUNS

    @property
    def is_first(self) -> bool:
        """Whether there is no finished collection yet."""
        return not (self.out / TOKENS).is_file()

    def find(self, file: str) -> Path | None:
        """Return where a file of the collection is: fetched by this run, or by an earlier one."""
        return next((p for p in (self.content / file, self.out / file) if p.is_file()), None)

    def read_plan(self) -> Plan | None:
        """Return the plan of the run that is taken up, or None for a new one."""
        path = self.path / "plan.json"
        try:
            return Plan.from_json(files.read_json(path)) if path.is_file() else None
        except (ValueError, TypeError, KeyError) as error:
            raise CollectError(f"{path} is damaged ({error!r}); {RESTART}") from None

    def write_plan(self, plan: Plan) -> None:
        files.write_json(self.path / "plan.json", plan.to_json())

    def remove_strays(self, is_named: Callable[[str], bool]) -> None:
        """Make the folders for content; remove files that a killed run had not yet recorded."""
        for name in (METADATA, IMAGES):
            folder = self.content / name
            folder.mkdir(parents=True, exist_ok=True)
            for file in folder.iterdir():
                if not is_named(f"{name}/{file.name}"):
                    file.unlink()

    def forget(self, names: Iterable[str | None]) -> None:
        """Remove what was fetched and is not kept."""
        for name in names:
            if name is not None:
                (self.content / name).unlink(missing_ok=True)

    def prepare_commit(
        self,
        *,
        info: Mapping[str, Any],
        tokens: Iterable[bytes],
        history: Iterable[bytes],
        removed: Iterable[str],
    ) -> None:
        """Write the lists of the whole collection; from here on, files are only moved.

        `removed` are files of an earlier run that are no token's any more.
        """
        final = self.path / "final"
        shutil.rmtree(final, ignore_errors=True)  # what a kill left there half-written
        with files.writing(final / TOKENS) as path, path.open("wb") as sink:
            sink.writelines(tokens)
        self._extend(HISTORY, history)
        cut_torn_line(self.runs)
        with self.runs.open("rb") as lines:
            self._extend(RUNS, lines)
        files.write_json(final / INFO, dict(info))
        files.write_text(self.committing, "".join(f"{name}\n" for name in removed))

    def _extend(self, name: str, lines: Iterable[bytes]) -> None:
        """Write the list of that name with further lines; none at all where it has no line."""
        with files.writing(self.path / "final" / name) as path, path.open("wb") as sink:
            if (self.out / name).is_file():
                with (self.out / name).open("rb") as before:
                    shutil.copyfileobj(before, sink)
            sink.writelines(lines)
        if not (self.path / "final" / name).stat().st_size:
            (self.path / "final" / name).unlink()

    def finish_commit(self) -> bool:
        """Move into place what a commit has left to move; return whether there was one."""
        if not self.committing.is_file():
            return False
        if self.is_first:
            _move_all(self.path / "final", self.content)
            if self.out.is_dir():  # an empty one, in which a shell may stand; TOKENS comes last
                _move_all(self.content, self.out)
            else:
                self.content.rename(self.out)
        for name in self.committing.read_text().splitlines():
            (self.out / name).unlink(missing_ok=True)
        for name in (METADATA, IMAGES):
            _move_all(self.content / name, self.out / name)
        _move_all(self.path / "final", self.out)
        self.clear()
        return True

    def clear(self) -> None:
        """Remove the workspace, in one step for whoever looks later."""
        shutil.rmtree(self.cleared, ignore_errors=True)
        self.path.rename(self.cleared)
        shutil.rmtree(self.cleared)

    @property
    def cleared(self) -> Path:
        """What is left where a kill came while the workspace was removed."""
        return self.path.with_suffix(".done")


def _move_all(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for file in sorted(source.iterdir()):
            file.replace(target / file.name)


@contextmanager
def held(folder: Path, out: Path) -> Iterator[None]:
    """Give a folder, which is made, to this process alone; it works there on what becomes `out`.

    Raises CollectError where another process has it.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(files.locked(folder, wait=False))
        except BlockingIOError:
            raise CollectError(f"{out} is being collected by another process") from None
        yield


@contextmanager
def workspace(out: Path) -> Iterator[Workspace]:
    """Give the workspace of a raw folder to this process alone.

    Raises CollectError where another process has it, where `out` holds anything else, and where it
    cannot be put in place by a rename.
    """
    work = Workspace(out.resolve())
    ours = work.committing.is_file() or ((out / TOKENS).is_file() and (out / INFO).is_file())
    if not ours and not files.is_free(out):
        raise CollectError(f"{out} holds something that was not collected; choose another folder")
    if work.out.is_mount():
        raise CollectError(f"{out} is where a disk is mounted; name a folder in it")
    with held(work.path, out):
        shutil.rmtree(work.cleared, ignore_errors=True)
        try:
            yield work
        finally:
            if work.path.is_dir() and not (work.path / "plan.json").is_file():
                shutil.rmtree(work.path)  # nothing was begun


def claim(work: Workspace, choice: Mapping[str, Any], *, restart: bool) -> bool:
    """Make the workspace one for `choice`; return whether a run with it had only files to move.

    A run that waits is given up where `restart` says so; where it had another choice and nothing
    says so, that is a CollectError.
    """
    path = work.path / "choice.json"
    asked = json.loads(json.dumps(choice))
    before = files.read_json(path) if path.is_file() else None
    if work.finish_commit():
        if before == asked:
            return True
        before = None
    if before == asked and not restart:
        return False
    if before is not None and not restart and work.ledger.is_file() and work.ledger.stat().st_size:
        other = [f"{key} {before.get(key)}" for key in asked if before.get(key) != asked[key]]
        raise CollectError(
            f"a stopped run waits in {work.path} that had {', '.join(other)}; ask for the same to "
            f"go on, or {RESTART}"
        )
    _empty(work.path)
    files.write_json(path, asked)
    return False


def _empty(folder: Path) -> None:
    """Remove what is in a folder; first what says that it can be taken up."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "choice.json").unlink(missing_ok=True)
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

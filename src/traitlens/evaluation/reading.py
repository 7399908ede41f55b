"""One model's scores back from a file that `traitlens evaluate --json` wrote, whoever wrote it."""

from __future__ import annotations

import reprlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, get_args

from traitlens import bounded_json
from traitlens.errors import EvaluationError
from traitlens.evaluation.retrieval import KS, Scope
from traitlens.evaluation.searching import DIRECTIONS, Direction

MEASURES = (*(f"top-{k}" for k in KS), "MRR")

# What two evaluations must have in common to be compared, and the types each may have.
SETTING: dict[str, tuple[type, ...]] = {
    "dataset_fingerprint": (str,),
    "split": (str, type(None)),
    "split_rule": (str, type(None)),
    "max_gallery": (int, type(None)),
    "seed": (int,),
}

_MOST_TOKENS = 2**53  # beyond it a float skips whole numbers


@dataclass(frozen=True, slots=True)
class Search:
    """The direction of a search, what it was within, and the gallery's name."""

    direction: Direction
    scope: Scope
    gallery: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What came of `queries` on `n` tokens: by measure, in [0, 1]."""

    n: int
    queries: int
    scores: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The rows of one model, and what it was evaluated on.

    `where` names the file to a reader. Only the model itself has a fingerprint, not what stood
    beside it. `families` are of collections, and may lack some or all.
    """

    where: str
    model: str
    fingerprint: str | None
    dataset: str
    setting: dict[str, str | int | None]
    families: dict[str, str]
    rows: dict[Search, Scored]

    def within(self, direction: Direction) -> dict[str, Scored]:
        """Return the row of each collection's own gallery, by its name."""
        return {
            key.gallery: row
            for key, row in self.rows.items()
            if (key.direction, key.scope) == (direction, "collection")
        }


def read_run(
    source: str | Path | Mapping[str, Any], *, where: str, model: str | None = None
) -> Run:
    """Return the scores of `model`, by default the evaluation's own, from a file or its JSON.

    `where` names a source that is no file. Raises EvaluationError, in one sentence, for what is no
    evaluation and for a model that is not in it.
    """
    if isinstance(source, str | Path):
        where = str(source)
        source = _load(Path(source), where)
    return _Reader(where).run(source, model)


def _load(path: Path, where: str) -> Any:
    try:
        return bounded_json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EvaluationError(f"cannot read {where}: {error.strerror}") from error
    except ValueError as error:
        raise EvaluationError(f"{where} is no JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes values out of JSON that may hold anything; what does not fit is one sentence."""

    where: str

    def run(self, value: Any, model: str | None) -> Run:
        document = self.mapping(value, "the document")
        rows = self.sequence(self.get(document, "rows"), "rows")
        names = list(dict.fromkeys(self.text(self.get(row, "model"), "a model") for row in rows))
        if not names:
            self.fail("it has no rows")
        own = self.text(self.get(document, "model"), "model")
        chosen = own if model is None else model
        if chosen not in names:
            raise EvaluationError(
                f"{self.where} has no rows of a model {chosen!r}; it has {', '.join(names)}"
            )
        own_print = self.text(self.get(document, "model_fingerprint"), "model_fingerprint")
        return Run(
            where=self.where,
            model=chosen,
            fingerprint=own_print if chosen == own else None,
            dataset=self.text(self.get(document, "dataset"), "dataset"),
            setting={name: self.setting(document, name) for name in SETTING},
            families=self.families(document.get("families")),
            rows=self.rows([row for row in rows if row["model"] == chosen]),
        )

    def rows(self, rows: Sequence[Any]) -> dict[Search, Scored]:
        found: dict[Search, Scored] = {}
        for row in rows:
            search = Search(
                self.choice(self.get(row, "direction"), "direction", DIRECTIONS),
                self.choice(self.get(row, "scope"), "scope", get_args(Scope)),
                self.text(self.get(row, "gallery"), "gallery"),
            )
            if search in found:
                self.fail(f"{search.gallery!r} has two rows of {search.direction}")
            found[search] = self.scored(row, search.gallery)
        one, *others = [
            {key.gallery for key in found if (key.direction, key.scope) == (way, "collection")}
            for way in DIRECTIONS
        ]
        if not one:
            self.fail(f"it has no rows of single collections, {DIRECTIONS[0]}")
        if any(other and other != one for other in others):
            self.fail(f"{' and '.join(DIRECTIONS)} are not of the same collections")
        return found

    def scored(self, row: Any, gallery: str) -> Scored:
        recalls = self.mapping(self.get(row, "recall"), "recall")
        by_k = {str(k): recall for k, recall in recalls.items()}  # a record's own keys are numbers
        shares = [*(self.get(by_k, str(k)) for k in KS), self.get(row, "mrr")]
        return Scored(
            n=self.count(self.get(row, "n"), f"n of {gallery!r}"),
            queries=self.count(self.get(row, "queries"), f"queries of {gallery!r}"),
            scores={
                name: self.share(share, f"{name} of {gallery!r}")
                for name, share in zip(MEASURES, shares, strict=True)
            },
        )

    def families(self, value: Any) -> dict[str, str]:
        pairs = self.mapping({} if value is None else value, "families").items()
        return {self.text(k, "a collection"): self.text(v, "a family") for k, v in pairs}

    def setting(self, document: Mapping[str, Any], name: str) -> Any:
        value = self.get(document, name)
        if isinstance(value, bool) or not isinstance(value, SETTING[name]):
            self.fail(f"{name} is {reprlib.repr(value)}")
        return self.text(value, name) if isinstance(value, str) else value

    def get(self, value: Any, key: str) -> Any:
        found = self.mapping(value, "a row")
        if key not in found:
            self.fail(f"{key!r} is missing")
        return found[key]

    def mapping(self, value: Any, name: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            self.fail(f"{name} is {reprlib.repr(value)}, not an object")
        return value

    def sequence(self, value: Any, name: str) -> Sequence[Any]:
        if not isinstance(value, list | tuple):
            self.fail(f"{name} is {reprlib.repr(value)}, not a list")
        return value

    def text(self, value: Any, name: str) -> str:
        if not isinstance(value, str) or not value:
            self.fail(f"{name} is {reprlib.repr(value)}, not text")
        # A terminal would obey some of these, and cannot print the others.
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in value):
            self.fail(f"{name} is {value[:40]!a}, with letters that cannot be printed")
        return value

    def count(self, value: Any, name: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MOST_TOKENS:
            self.fail(f"{name} is {reprlib.repr(value)}, not a number of tokens")
        return value

    def share(self, value: Any, name: str) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value <= 1:
            self.fail(f"{name} is {reprlib.repr(value)}, not in [0, 1]")
        return float(value)

    def choice(self, value: Any, name: str, accepted: Sequence[Any]) -> Any:
        if value not in accepted:
            self.fail(f"{name} is {reprlib.repr(value)}, not one of {', '.join(accepted)}")
        return value

    def fail(self, problem: str) -> NoReturn:
        raise EvaluationError(
            f"{self.where} is not as `traitlens evaluate --json` writes it: {problem}"
        )

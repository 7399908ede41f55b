"""What is on two sides of a data set nevertheless: equal pictures, and near-duplicates.

*Equal pixels* are counted all. A *look-alike* is a token whose perceptual hash differs in at most
`bits` of 64 from that of a token of an earlier split (of train, for validation; of both, for test);
these, too, are all counted. That says little where all tokens of a collection show one figure in
its middle. So look-alikes are compared by pixels: two pictures are *near-duplicates* when, reduced
to 32 x 32 px, they differ by no more than `difference` levels of 255 on the average.

Pictures are decoded for that, so of the look-alikes of two collections (or of one with itself) a
seeded sample is compared, and what the sample says of all is an estimate; the report says which.
Between different collections nearly always all of them are compared. In a split by token most
look-alikes are to be expected: tokens of one collection share all but a trait or two.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens import files
from traitlens.config import check_range
from traitlens.progress import Progress, silent
from traitlens.records import SPLITS, Location, Split
from traitlens.split.leak_table import Group, LeakTable, Pairs
from traitlens.store import Dataset

LEAKS = "leaks.json"

_SIDE_PX = 32
_GREY = (128, 128, 128, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakConfig:
    """What counts as a near-duplicate, and how many pictures may be looked at to tell."""

    bits: int = 3  # of 64 in which perceptual hashes may differ
    difference: float = 2.0  # levels of 255, the mean over pixels and channels
    compared_within: int = 30  # look-alikes of a collection with itself, between two splits
    compared_across: int = 200  # of two collections
    compared: int = 3_000  # in all
    listed: int = 1_000  # pairs of each kind that the report names
    seed: int = 0

    def __post_init__(self) -> None:
        check_range("leaks.bits", self.bits, low=0, high=7)
        check_range("leaks.difference", self.difference, low=0, high=255)
        for name in ("compared_within", "compared_across", "compared", "listed"):
            check_range(f"leaks.{name}", getattr(self, name), low=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One token of a pair."""

    token_uid: str
    collection: str
    token_id: str
    split: Split
    location: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Two tokens of different splits: `held_out`, and the one of an earlier split, `seen`.

    `bits` of their hashes and `difference` levels of their pixels differ.
    """

    held_out: Side
    seen: Side
    bits: int
    difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakGroup:
    """The look-alikes of one collection's tokens in a split, by where they are.

    `look_alikes` tokens have one; `compared` of these were compared by pixels, and so many of
    them are `near_duplicates`.
    """

    held_out: str
    held_out_split: Split
    seen: str
    seen_split: Split
    look_alikes: int
    compared: int
    near_duplicates: int

    @property
    def estimate(self) -> float:
        """How many near-duplicates the group would have, were all compared."""
        return self.look_alikes * self.near_duplicates / self.compared if self.compared else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakReport:
    """What is on two sides. Counts are of tokens of validation and test, which are `held_out`."""

    tokens: int
    held_out: int
    config: LeakConfig
    equal_total: int
    equal: tuple[Leak, ...]  # listed ones; each held-out token with one that it equals
    groups: tuple[LeakGroup, ...]
    closest: tuple[Leak, ...]  # listed near-duplicates, other collections' first
    all_hashes_compared: bool

    @property
    def look_alikes(self) -> int:
        return sum(group.look_alikes for group in self.groups)

    @property
    def compared(self) -> int:
        return sum(group.compared for group in self.groups)

    @property
    def near_duplicates(self) -> int:
        """How many there are: exact when all look-alikes were compared, else an estimate."""
        return round(sum(group.estimate for group in self.groups))

    @property
    def exact(self) -> bool:
        return self.all_hashes_compared and self.compared == self.look_alikes

    @property
    def clean(self) -> bool:
        """Whether nothing was found on two sides."""
        return not self.equal_total and not self.near_duplicates

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values, the contents of `leaks.json`."""
        return {
            "tokens": self.tokens,
            "held_out": self.held_out,
            "config": asdict(self.config),
            "equal_pixels": {
                "total": self.equal_total,
                "listed": [asdict(leak) for leak in self.equal],
            },
            "near_duplicates": {
                "total": self.near_duplicates,
                "exact": self.exact,
                "look_alikes": self.look_alikes,
                "compared": self.compared,
                "groups": [asdict(group) for group in self.groups],
                "listed": [asdict(leak) for leak in self.closest],
            },
        }


def find_leaks(
    data: Dataset, *, config: LeakConfig | None = None, progress: Progress = silent
) -> LeakReport:
    """Return what of one split has an equal or a near-duplicate in another.

    Some 60 bytes a token are in memory, besides two pictures. A token counts once within its own
    collection and once among all others, with its nearest look-alike; equal pixels count apart.
    """
    config = config or LeakConfig()
    table = LeakTable.of(data, progress=progress)
    equal = table.equal_pixels()
    look_alikes, complete = table.look_alikes(bits=config.bits)
    judge = _Judge(data, table, config)
    groups: list[LeakGroup] = []
    near: list[_Near] = []
    done = 0
    for key, pairs in table.groups(look_alikes):
        progress("leaks: compare", done, len(look_alikes))
        group, found = judge.judge(key, pairs)
        groups.append(group)
        near += found
        done += len(pairs)
    progress("leaks: compare", done, done)
    near.sort(key=lambda one: (one.within, one.difference, one.bits, one.held_out, one.seen))
    return LeakReport(
        tokens=len(table),
        held_out=int((table.split_N > 0).sum()),
        config=config,
        equal_total=len(equal),
        equal=tuple(judge.leaks(_equal(table, equal, most=config.listed))),
        groups=tuple(groups),
        closest=tuple(judge.leaks(near[: config.listed])),
        all_hashes_compared=complete,
    )


def write_leaks(
    data: Dataset, *, config: LeakConfig | None = None, progress: Progress = silent
) -> LeakReport:
    """Write `leaks.json` into the folder of a data set, and return the report."""
    report = find_leaks(data, config=config, progress=progress)
    files.write_json(data.path / LEAKS, report.to_json())
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Near:
    """Two tokens by their rows in the table, and how far they are apart."""

    held_out: int
    seen: int
    bits: int
    difference: float
    within: bool  # one collection


def _equal(table: LeakTable, pairs: Pairs, *, most: int) -> list[_Near]:
    """Return up to `most` pairs of equal pixels, those of different collections first."""
    within_P = table.collection_N[pairs.held_out_P] == table.collection_N[pairs.seen_P]
    first = pairs.take(np.argsort(within_P, kind="stable")[:most])
    return [
        _Near(
            held_out=a,
            seen=b,
            bits=0,
            difference=0.0,
            within=bool(table.collection_N[a] == table.collection_N[b]),
        )
        for a, b in first.rows()
    ]


class _Judge:
    """Compares look-alikes by their pixels, as many as the config allows."""

    def __init__(self, data: Dataset, table: LeakTable, config: LeakConfig) -> None:
        self._data, self._table, self._config = data, table, config
        self._left = config.compared

    def judge(self, key: Group, pairs: Pairs) -> tuple[LeakGroup, list[_Near]]:
        """Return what is found about a group of look-alikes, and the near-duplicates in it."""
        config, names = self._config, self._data.collections
        within = key[0] == key[2]
        most = config.compared_within if within else config.compared_across
        some = self._table.sample(pairs, min(most, self._left), seed=config.seed)
        self._left -= len(some)
        near = [
            _Near(held_out=a, seen=b, bits=bits, difference=difference, within=within)
            for (a, b), bits, difference in zip(
                some.rows(), some.bits_P.tolist(), self._differences(some), strict=True
            )
            if difference <= config.difference
        ]
        group = LeakGroup(
            held_out=names[key[0]],
            held_out_split=SPLITS[key[1]],
            seen=names[key[2]],
            seen_split=SPLITS[key[3]],
            look_alikes=len(pairs),
            compared=len(some),
            near_duplicates=len(near),
        )
        return group, near

    def leaks(self, pairs: Sequence[_Near]) -> list[Leak]:
        """Return the pairs as the report has them."""
        rows = sorted({row for pair in pairs for row in (pair.held_out, pair.seen)})
        sides = dict(zip(rows, self._sides(rows), strict=True))
        return [
            Leak(
                held_out=sides[pair.held_out],
                seen=sides[pair.seen],
                bits=pair.bits,
                difference=round(pair.difference, 3),
            )
            for pair in pairs
        ]

    def _sides(self, rows: Sequence[int]) -> list[Side]:
        found = self._table.tokens(self._data, rows)
        sides = []
        for row in rows:
            token = found[row]
            assert token.split is not None and token.location is not None
            sides.append(
                Side(
                    token_uid=token.token_uid,
                    collection=token.collection,
                    token_id=token.token_id,
                    split=token.split,
                    location=token.location,
                )
            )
        return sides

    def _differences(self, pairs: Pairs) -> list[float]:
        """Return the mean difference of the pictures of each pair, in levels of 255."""
        rows = [row for pair in pairs.rows() for row in pair]
        images = self._data.images([self._table.location(row) for row in rows])
        thumbnails = [None if image is None else thumbnail(image) for image in images]
        return [
            float(np.abs(a - b).mean()) if a is not None and b is not None else np.inf
            for a, b in zip(thumbnails[::2], thumbnails[1::2], strict=True)
        ]


def thumbnail(picture: bytes) -> NDArray[np.float32]:
    """Return (32, 32, 3) colours of a PNG in [0, 255], clear pixels as mid-grey."""
    with Image.open(io.BytesIO(picture)) as image:
        rgba = image.convert("RGBA")
    small = Image.alpha_composite(Image.new("RGBA", rgba.size, _GREY), rgba).convert("RGB")
    return np.asarray(small.resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BOX), np.float32)

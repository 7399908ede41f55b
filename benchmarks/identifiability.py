"""Does the probe see what shows, and not what does not? Traits are planted to find out.

    python benchmarks/identifiability.py DATA [--collections NAME ...] [--max-tokens 2000]

DATA is a data set, as `traitlens build` makes it. A copy of it gets three more trait types a
collection, none of which any picture shows:

    power    one of five words, drawn at random
    copy     the values of a real type, dealt out anew: as many and as common as real ones
    rank     one of four words by how rare the token's traits are: it follows from what shows

Then `identifiability` judges all traits. Of the planted values of power and copy, the share called
"unseen" is the rate of detection, and that called "visible" or "faint" the rate of false alarms,
promised to be below 5%. A value of rank ought to be read, and to be said to follow from the other
traits. Of the real values nobody knows the truth, but PFP art is made of layers that mostly show:
those called "unseen" are listed, to be looked at.

Values are counted by the kind of their art (pictures of at most 128 px are pixel art here) and by
the tokens that have them.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from traitlens import files
from traitlens.captions import TraitCounts
from traitlens.diagnosis import Identifiability, ValueFinding, identifiability
from traitlens.diagnosis.identifiability_records import VERDICTS
from traitlens.embedding import Gallery
from traitlens.records import Token, Trait
from traitlens.shards import write_shard
from traitlens.store import MANIFEST, Dataset, Manifest
from traitlens.tables import Cell, Column, Table, percents, to_markdown

POWERS = ("Ember", "Frost", "Gale", "Stone", "Tide")
RANKS = ("Common", "Uncommon", "Rare", "Mythic")
PLANTED = ("power", "copy", "rank")
PIXEL_ART_PX = 128
SIZES = ((8, 15), (16, 49), (50, None))


def main() -> None:
    """Print the rates, the real values that are called unseen, and what it cost."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        art = _planted_copy(Dataset.open(options.data), Path(folder), options)
        gallery = Gallery.of(Dataset.open(folder), split=None)
        start = time.perf_counter()
        found = identifiability(gallery, max_tokens=options.max_tokens, seed=options.seed)
        seconds = time.perf_counter() - start
    for table in (_rates(found, art), _real_unseen(found)):
        print(to_markdown(table))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(gallery):,} tokens in {seconds:.0f} s, peak memory {peak:.2f} GB")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="a data set")
    parser.add_argument("--collections", nargs="+", metavar="NAME", help="default: all")
    parser.add_argument("--max-tokens", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _planted_copy(data: Dataset, out: Path, options: argparse.Namespace) -> dict[str, str]:
    """Write the data set with planted traits; return the kind of art of each collection."""
    art, entries = {}, []
    for name in options.collections or data.collections:
        rng = np.random.default_rng([options.seed, *name.encode()])
        traits = _planted(list(data.tokens(collections=[name], images=False)), rng=rng)
        shard = f"{name}-00000.parquet"
        widths: list[int] = []
        kept = _with_traits(data.tokens(collections=[name]), traits, widths)
        write_shard(out / "tokens" / shard, kept)
        art[name] = "pixel art" if np.median(widths) <= PIXEL_ART_PX else "larger"
        entries.append(dataclasses.replace(data.entry(name), shards=(shard,)))
    manifest: Manifest = dataclasses.replace(data.manifest, collections=tuple(entries))
    files.write_json(out / MANIFEST, manifest.to_json())
    return art


def _with_traits(
    tokens: Iterable[Token], traits: Sequence[tuple[Trait, ...]], widths: list[int]
) -> Iterator[Token]:
    for token, planted in zip(tokens, traits, strict=True):
        widths.append(token.width)
        yield dataclasses.replace(token, traits=token.traits + planted)


def _planted(tokens: Sequence[Token], *, rng: np.random.Generator) -> list[tuple[Trait, ...]]:
    """Return three further traits for each token of a collection."""
    counts = TraitCounts.of(token.traits for token in tokens)
    rarity = np.array([sum(map(counts.bits, token.traits)) for token in tokens])
    ranks = np.searchsorted(np.quantile(rarity, (0.4, 0.7, 0.9)), rarity)
    copied = _copied(tokens, rng=rng)
    return [
        (
            Trait("power", POWERS[rng.integers(len(POWERS))]),
            Trait("rank", RANKS[rank]),
            *([Trait("copy", f"copied {value}")] if value else []),
        )
        for rank, value in zip(ranks, copied, strict=True)
    ]


def _copied(tokens: Sequence[Token], *, rng: np.random.Generator) -> list[str]:
    """Return the values of a random trait type that many tokens have, dealt out anew."""
    having = Counter(name for token in tokens for name in {t.trait_type for t in token.traits})
    name = rng.choice(sorted(n for n, count in having.items() if count >= len(tokens) / 4))
    values = [next((t.value for t in token.traits if t.trait_type == name), "") for token in tokens]
    return [values[row] for row in rng.permutation(len(values))]


def _rates(found: Identifiability, art: dict[str, str]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for kind in sorted(set(art.values())):
        values = [one for one in found.values if art[one.collection] == kind]
        for planted in PLANTED:
            own = [one for one in values if one.trait_type == planted]
            rows += _by_size(f"{kind}, {planted}", own)
        real = [one for one in values if one.trait_type not in PLANTED and one.auc is not None]
        rows += _by_size(f"{kind}, real", real)
    verdicts = [verdict for verdict in VERDICTS if verdict not in ("abstract", "same")]
    return Table(
        title="Verdicts on planted and real values",
        columns=(
            Column("values"),
            Column("tokens"),
            Column("number", "count"),
            *percents([*verdicts, "follow"]),
        ),
        rows=tuple(rows),
        note="Percent of the values in a row that have been probed.",
    )


def _by_size(name: str, values: Sequence[ValueFinding]) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for low, high in SIZES:
        some = [v for v in values if low <= v.tokens and (high is None or v.tokens <= high)]
        some = [value for value in some if value.auc is not None]
        if some:
            label = f"{low}-{high}" if high else f"{low} and more"
            rows.append((name, label, len(some), *_shares(some)))
    return rows


def _shares(values: Sequence[ValueFinding]) -> list[float]:
    verdicts = [verdict for verdict in VERDICTS if verdict not in ("abstract", "same")]
    of = Counter(value.verdict for value in values)
    follow = sum(value.follows for value in values)
    return [*(of[verdict] / len(values) for verdict in verdicts), follow / len(values)]


def _real_unseen(found: Identifiability) -> Table:
    unseen = [v for v in found.values if v.verdict == "unseen" and v.trait_type not in PLANTED]
    return Table(
        title="Real values that are called unseen",
        columns=(
            Column("collection"),
            Column("trait"),
            Column("tokens", "count"),
            Column("AUC", "number", 2),
            Column("such tokens"),
        ),
        rows=tuple(
            (v.collection, f"{v.trait_type}: {v.value}", v.tokens, v.auc, ", ".join(v.bearers))
            for v in unseen
        ),
    )


if __name__ == "__main__":
    main()

"""The data card, README.md: what is in a data set, for people and for the hub that shows it.

What the collections say of themselves was written by strangers, and the card is shown as HTML by
whoever hosts it: all of it goes through `texts.markdown`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from traitlens.description.croissant import summary, title_of
from traitlens.description.findings import Findings
from traitlens.description.picture_sheets import CONTACT_SHEET, MEAN_IMAGES
from traitlens.description.pictures import SAMPLE
from traitlens.description.publication import Publication, licence_id
from traitlens.description.statistics import (
    CollectionDescription,
    Description,
    Group,
    Histogram,
    RareToken,
    TraitCount,
)
from traitlens.description.texts import count, markdown, percent, size_words, table
from traitlens.records import SPLITS

CARD = "README.md"

_SHOWN = 100  # rows of a table that grows with the collections; statistics.json has all

# The hub's classes: huggingface.co/docs/hub/datasets-cards
_SIZE_CLASSES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
)


def card(
    description: Description,
    *,
    publication: Publication,
    findings: Findings,
    sheets: Sequence[str] = (CONTACT_SHEET, MEAN_IMAGES),
) -> str:
    """Return the text of README.md; `sheets` are the pages of pictures that lie beside it."""
    title = title_of(description, publication)
    parts = [
        _header(description, publication, title),
        f"# {markdown(title)}\n\n{summary(description)}\n\n",
        _opening(sheets),
        _overview(description),
        _collections(description),
        _themes(description),
        _captions(description),
        _rarity(description),
        _pictures(description, sheets),
        _rejected(description),
        _findings(findings),
        _licences(description),
        _sources(description),
    ]
    return "".join(parts).rstrip("\n") + "\n"


def _header(description: Description, publication: Publication, title: str) -> str:
    licences = [publication.licence] if publication.licence else []
    licences = licences or sorted({one.licence or "" for one in description.collections})
    known = licence_id(licences[0]) if len(licences) == 1 else None
    size = next((s for n, s in _SIZE_CLASSES if description.counts.kept < n), "n>1B")
    lines = [
        f"pretty_name: {json.dumps(title, ensure_ascii=False)}",
        *([f"license: {known}"] if known else _other_licence(licences)),
        "language:\n- en",
        "task_categories:\n- text-to-image\n- image-to-text\n- image-feature-extraction",
        f"size_categories:\n- {size}",
        "tags:\n- nft\n- pfp\n- image-text-retrieval\n- traitlens",
        "configs:\n- config_name: default\n  data_files: tokens/*.parquet",
    ]
    return "---\n" + "\n".join(lines) + "\n---\n\n"


def _other_licence(licences: list[str]) -> list[str]:
    if not any(licences):
        return ["license: unknown"]
    return ["license: other", "license_name: see-licences", "license_link: README.md#licences"]


def _opening(sheets: Sequence[str]) -> str:
    return (
        "```python\nfrom datasets import load_dataset\n\n"
        'load_dataset("parquet", data_files="tokens/*.parquet")\n```\n\n'
        "DuckDB, Polars and Spark open the same files; `croissant.json` describes them to "
        "machines, `statistics.json` has every number of this card, and `SHA256SUMS` the checksum "
        "of every shard.\n\n"
        f"![pictures of the collections]({sheets[0]})\n\n"
    )


def _overview(description: Description) -> str:
    rows = [[name, value] for name, value in overview_rows(description)]
    return "## In all\n\n" + table(["", ""], rows, words=1)


def overview_rows(description: Description) -> list[tuple[str, str]]:
    """Return the numbers of the whole: what, and how much in words."""
    counts, traits, pictures = description.counts, description.traits, description.pictures
    return [
        ("tokens kept", count(counts.kept)),
        ("tokens read", count(counts.read)),
        ("tokens rejected", count(counts.read - counts.kept)),
        *((f"split: {split}", count(counts.splits.get(split, 0))) for split in SPLITS),
        ("collections", count(len(description.collections))),
        ("themes", count(len(description.themes))),
        ("trait types", count(traits.types)),
        ("traits (distinct type and value)", count(traits.distinct)),
        ("traits that a single token has", count(traits.single)),
        ("distinct phrases", count(traits.phrases)),
        ("traits per token", spread(traits.per_token)),
        ("words per caption", spread(description.captions.words)),
        ("distinct captions", count(description.captions.distinct)),
        ("tokens whose pixels another has", count(pictures.equal)),
        ("animated originals", _share(pictures.animated, counts.kept)),
        ("size on disk", size_words(pictures.stored_bytes)),
    ]


def spread(histogram: Histogram) -> str:
    """Return "3 to 10, median 6"."""
    low, high, median = histogram.minimum, histogram.maximum, histogram.median
    return count(low) if low == high else f"{count(low)} to {count(high)}, median {count(median)}"


def _share(part: int, whole: int) -> str:
    return f"{count(part)} ({percent(part / whole)})" if whole and part else count(part)


def _collections(description: Description) -> str:
    head = ["collection", "theme", "read", "kept", *SPLITS]
    head += ["trait types", "traits", "phrases", "traits per token"]
    rows = [_collection(one) for one in description.collections[:_SHOWN]]
    return "## Collections\n\n" + table(head, rows, words=2) + _more(description.collections)


def _collection(one: CollectionDescription) -> list[str]:
    counts, traits = one.counts, one.traits
    numbers = (counts.read, counts.kept, *(counts.splits.get(split, 0) for split in SPLITS))
    numbers += (traits.types, traits.distinct, traits.phrases)
    return [
        markdown(one.name),
        markdown(one.theme),
        *map(count, numbers),
        spread(traits.per_token),
    ]


def _more(rows: Sequence[object], *, shown: int = _SHOWN) -> str:
    more = len(rows) - shown
    return f"And {count(more)} more: `statistics.json` has all.\n\n" if more > 0 else ""


def _themes(description: Description) -> str:
    said = (
        "What the pictures show: as the source names it, else the last subject in the "
        "collection's name (`punk` in moonbirdpunks), else the name itself.\n\n"
    )
    return "## Themes\n\n" + said + _groups("theme", description.themes)


def _groups(what: str, found: Sequence[Group]) -> str:
    rows = [[markdown(g.name), count(g.collections), count(g.tokens)] for g in found[:_SHOWN]]
    return table([what, "collections", "tokens"], rows, words=1) + _more(found)


def _captions(description: Description) -> str:
    said = (
        "Tokens that share a caption cannot be told apart by text. So no search by text reaches "
        "more than the ceiling: the mean of min(1, k / tokens with the same caption).\n\n"
    )
    head = ["", "captions", "distinct", "shared", "largest group", "top-1", "top-5", "top-10"]
    head += ["words"]
    found = [one for one in description.collections if one.captions.shared]
    found.sort(key=lambda one: one.captions.ceilings.top1)
    rows = [_caption_row("all", description)] + [
        _caption_row(markdown(one.name), one) for one in found[:_SHOWN]
    ]
    rest = len(description.collections) - len(found)
    ending = f"No caption repeats within the other {count(rest)}.\n\n" if rest else ""
    return "## Captions\n\n" + said + table(head, rows, words=1) + _more(found) + ending


def _caption_row(name: str, one: Description | CollectionDescription) -> list[str]:
    captions = one.captions
    tops = (captions.ceilings.top1, captions.ceilings.top5, captions.ceilings.top10)
    numbers = (one.counts.kept, captions.distinct, captions.shared, captions.largest_group)
    return [name, *map(count, numbers), *map(percent, tops), spread(captions.words)]


def _rarity(description: Description) -> str:
    said = (
        "The information content of a token in bits, as OpenRarity's before its division by the "
        "mean: the sum of -log2 p over its distinct traits, p the share of the collection's "
        "tokens that have the trait, and over the trait types that it lacks, p the share that "
        "lacks them, too. Numbers and dates are left out.\n\n"
    )
    head = ["collection", "median", "mean", "rarest tokens (bits)", "rarest traits (tokens)"]
    rows = []
    for one in description.collections[:_SHOWN]:
        tokens = [f"{markdown(t.token_id, max_chars=24)} ({t.bits:.1f})" for t in rarest(one)]
        traits = [_trait(trait) for trait in one.rarity.rarest_traits[:3]]
        bits = [f"{one.rarity.median_bits:.1f}", f"{one.rarity.mean_bits:.1f}"]
        rows.append([markdown(one.name), *bits, ", ".join(tokens), ", ".join(traits)])
    return "## Rarity\n\n" + said + table(head, rows, words=5) + _more(description.collections)


def rarest(one: CollectionDescription) -> list[RareToken]:
    """Return the three rarest tokens, of a collection in which tokens differ."""
    return list(one.rarity.rarest_tokens[:3]) if len(one.rarity.bits.values) > 1 else []


def _trait(trait: TraitCount) -> str:
    name = f"{trait.trait_type}: {trait.value}"
    return f"{markdown(name, max_chars=60)} ({count(trait.tokens)})"


def _pictures(description: Description, sheets: Sequence[str]) -> str:
    pictures = description.pictures
    sizes = [[f"{s.width} x {s.height}", count(s.tokens)] for s in pictures.sizes]
    sizes += [["other sizes", count(pictures.other_sizes)]] if pictures.other_sizes else []
    kinds = [[markdown(kind), count(n)] for kind, n in pictures.media_types.items()]
    pages = ", ".join(f"[{name}]({name})" for name in sheets[1:])
    return (
        "## Pictures\n\n"
        + table(["size in px", "tokens"], sizes, words=1)
        + table(["original media", "tokens"], kinds, words=1)
        + f"The mean images and the colours are of a seeded sample of up to {SAMPLE} pictures a "
        f"collection, {count(pictures.sampled)} in all; every other number is exact. "
        f"More pictures: {pages}.\n\n"
        f"![the mean image of each collection]({MEAN_IMAGES})\n\n"
    )


def _rejected(description: Description) -> str:
    counts = description.counts
    if not counts.rejected:
        return "## Rejected\n\nNothing.\n\n"
    reasons = [[markdown(reason), count(n)] for reason, n in counts.rejected.items()]
    found = [
        [markdown(one.name), markdown(reason), count(n)]
        for one in description.collections
        for reason, n in one.counts.rejected.items()
    ]
    return (
        f"## Rejected\n\nOf {count(counts.read)} tokens read, {count(counts.kept)} were kept. The "
        'others are rows with `status = "rejected"`.\n\n'
        + table(["reason", "tokens"], reasons, words=1)
        + table(["collection", "reason", "tokens"], found[:_SHOWN], words=2)
        + _more(found)
    )


def _findings(findings: Findings) -> str:
    text = ""
    if findings.fallen is not None:
        rows = [
            [markdown(f.collection), *map(markdown, (f.rule, f.value, f.limit))]
            for f in findings.fallen[:_SHOWN]
        ]
        made = (
            table(["collection", "rule", "value", "limit"], rows, words=4)
            if rows
            else "None fell.\n\n"
        )
        text += "## Filters\n\nCollections that fell to a rule.\n\n" + made
        text += _more(findings.fallen)
    if findings.leaks is not None:
        rows = [[markdown(leak.kind), count(leak.total)] for leak in findings.leaks]
        text += (
            "## Leaks between splits\n\nPairs of tokens in different splits that are doubles of "
            "one another; `leaks.json` lists them.\n\n" + table(["kind", "total"], rows, words=1)
        )
    return text


def _licences(description: Description) -> str:
    said = (
        "As the sources state them, unchecked. The rights in the pictures are those of their "
        "makers.\n\n"
    )
    return "## Licences\n\n" + said + _groups("licence", description.licences)


def _sources(description: Description) -> str:
    head = ["collection", "source", "contract", "family", "page"]
    rows = [
        [
            markdown(one.name),
            markdown(one.source),
            markdown(one.contract),
            *map(markdown, (one.family, one.url)),
        ]
        for one in description.collections
        if one.source or one.contract or one.family or one.url
    ]
    made = table(head, rows[:_SHOWN], words=5) if rows else "Not named by the collections.\n\n"
    return "## Sources\n\n" + made + _more(rows)

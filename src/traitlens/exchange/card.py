"""The README of an export: by its header `datasets` and the hub's page find the splits."""

from __future__ import annotations

import json

from traitlens.exchange.record import SIDES, Export

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))


def card(export: Export, pattern: str, what: str, *, load: str) -> str:
    """Return the README; `pattern` names the files of a side, as "data/{side}-*.parquet"."""
    counts = {side: _count(export, side) for side in SIDES}
    shown = [side for side in counts if counts[side] and side != "rejected"]
    header = [
        "---",
        f"size_categories: [{_size(sum(counts[side] for side in shown))}]",
        "task_categories: [text-to-image, image-to-text]",
        "tags: [nft, traits, pfp]",
        *(["configs:", "- config_name: default", "  data_files:"] if shown else []),
        *(
            line
            for side in shown
            for line in (f"  - split: {side}", f"    path: {pattern.format(side=side)}")
        ),
        "---",
    ]
    rows = [
        f"| {_cell(collection.name)} | {len(collection.sides)} | "
        f"{len(collection.sides) - collection.sides.count(SIDES['rejected'])} | "
        f"{_cell(collection.info.licence or 'not stated')} |"
        for collection in export.collections
    ]
    body = [
        "# Tokens, pictures and captions",
        "",
        f"{what} of {len(export.collections)} collections, written by traitlens. Open them with "
        f'`datasets.load_dataset("<this folder>")` or `{load}`; `traitlens import` makes the '
        "data set of them again. Tokens that were rejected are kept apart, in `rejected/`.",
        "",
        "| side | tokens |\n|---|---|",
        *(f"| {side} | {count} |" for side, count in counts.items() if count),
        "",
        "| collection | read | kept | licence |\n|---|---|---|---|",
        *rows,
        "",
    ]
    return "\n".join([*header, *body])


def _count(export: Export, side: str) -> int:
    return sum(collection.sides.count(SIDES[side]) for collection in export.collections)


def _size(tokens: int) -> str:
    return json.dumps(next((name for limit, name in _SIZES if tokens < limit), "n>1M"))


def _cell(text: str) -> str:
    """Return text that cannot break out of its place in a Markdown table."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())

"""Queries with their pictures, as HTML: the meant token, and the first hits with their marks."""

from __future__ import annotations

from collections.abc import Iterable

from PIL import Image

from traitlens.description.texts import count
from traitlens.embedding import Embedded, Gallery
from traitlens.evaluation import Evaluation, FreeTextEvaluation
from traitlens.pages import img
from traitlens.plain_text import one_line
from traitlens.reporting.examples import (
    CollectionExamples,
    Example,
    Mark,
    collection_examples,
    free_text_examples,
)
from traitlens.reporting.said import said
from traitlens.tables import Column

_PIXEL_ART_PX = 64  # smaller pictures are enlarged without smoothing
_PICTURE_PX = 112

_SIGNS: dict[Mark, str] = {
    "right": "✓ right",
    "same caption": "= same caption",
    "wrong": "✗ wrong",
    "another": "another",
}


def standing_cards(embedded: Embedded, evaluation: Evaluation) -> str:
    """Return the best and worst queries of a handful of collections."""
    found = collection_examples(embedded, evaluation, seed=evaluation.seed)
    return "\n".join(_standing(one, embedded.gallery) for one in found)


def free_text_cards(embedded: Embedded, found: FreeTextEvaluation) -> str:
    """Return the best and worst free-text queries."""
    chosen, gallery = free_text_examples(embedded, found), embedded.gallery
    groups = {"Ranked best": chosen.best, "Ranked worst": chosen.worst}
    return "\n".join(
        f"<h3>{title}</h3>\n{_cards(examples, gallery, with_collection=True)}"
        for title, examples in groups.items()
        if examples
    )


def _standing(one: CollectionExamples, gallery: Gallery) -> str:
    top1 = Column("", "percent").show(one.top1)
    label = {"worst": "among the worst", "middle": "in the middle", "best": "among the best"}
    return (
        f"<h3>{said(one.collection)} <small>top-1 {top1}%, {label[one.standing]}</small></h3>\n"
        f"{_cards((*one.best, *one.worst), gallery, with_collection=False)}"
    )


def _cards(examples: Iterable[Example], gallery: Gallery, *, with_collection: bool) -> str:
    cards = "\n".join(_card(one, gallery, with_collection=with_collection) for one in examples)
    return f'<div class="cards">\n{cards}\n</div>'


def _card(one: Example, gallery: Gallery, *, with_collection: bool) -> str:
    rows = [one.row, *(hit.row for hit in one.hits)]
    meant, *found = gallery.pictures(rows)
    hits = "".join(
        _picture(picture, name=hit.token_id, kind=hit.mark.replace(" ", "-"), sign=_SIGNS[hit.mark])
        for picture, hit in zip(found, one.hits, strict=True)
    )
    where = f"{one.collection} " if with_collection else ""
    unseen = f" · in no train caption: {', '.join(one.unseen)}" if one.unseen else ""
    meta = f"{where}#{one.token_id} · rank {count(one.rank)} of {count(one.n)}{unseen}"
    return f"""<article class="card">
<p class="asked">{said(one.query, max_chars=400)}</p>
<p class="meta">{said(meta)}</p>
<ol class="hits">{_picture(meant, name=one.token_id, kind="meant", sign="meant")}{hits}</ol>
</article>"""


def _picture(picture: Image.Image, *, name: str, kind: str, sign: str) -> str:
    alt = one_line(f"token {name}, {sign}")
    shown = img(picture, alt=alt, pixel_art_px=_PIXEL_ART_PX, picture_px=_PICTURE_PX)
    return f'<li class="{kind}">{shown}<span>{sign}</span></li>'

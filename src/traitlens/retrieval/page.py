"""Answers for people, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources

from PIL import Image

from traitlens.engines import And, Equals, Not, Where
from traitlens.pages import html_page, img
from traitlens.records import Trait
from traitlens.retrieval.answers import Answer, Hit
from traitlens.standardization import decode

_TRAITS_SHOWN = 6  # the others open on a click


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """An answer on a page; `picture` is the one that was searched with."""

    answer: Answer
    heading: str = ""  # a line above the query
    picture: Image.Image | None = None


def answers_page(
    title: str, sections: Sequence[Section | Answer], *, labels: Mapping[str, str] | None = None
) -> str:
    """Return the HTML page; `labels` says something about a collection, such as "held out"."""
    style = resources.files("traitlens.retrieval").joinpath("page.css").read_text("utf-8")
    parts = [_section(as_section(section), labels or {}) for section in sections]
    return html_page(title, "\n".join([f"<h1>{escape(title)}</h1>", *parts]), style=style)


def as_section(section: Section | Answer) -> Section:
    """Return an answer as a section without a heading."""
    return section if isinstance(section, Section) else Section(answer=section)


def filter_chips(where: Where | None) -> list[str]:
    """Return the filter as short texts that all hold."""
    if where is None:
        return []
    return [_chip(part) for part in (where.parts if isinstance(where, And) else (where,))]


def _chip(where: Where) -> str:
    match where:
        case Equals(name, value):
            return f"{name}: {value}"
        case Not(Equals(name, value)):
            return f"{name}: not {value}"
        case _:
            return str(where)


def _section(section: Section, labels: Mapping[str, str]) -> str:
    answer = section.answer
    heading = f'<p class="heading">{_said(section.heading)}</p>' if section.heading else ""
    picture = "" if section.picture is None else img(section.picture, alt="the query")
    chips = "".join(f"<li>{_said(chip)}</li>" for chip in filter_chips(answer.query.where))
    note = f' · <span class="note">{_said(answer.note)}</span>' if answer.note else ""
    hits = "\n".join(_card(hit, labels) for hit in answer.hits)
    shown = f'<ol class="hits">\n{hits}\n</ol>' if hits else '<p class="empty">No answers.</p>'
    return f"""<section>
{heading}
<div class="query">{picture}<h2>{_said(answer.query.title)}</h2></div>
{f'<ul class="chips">{chips}</ul>' if chips else ""}
<p class="meta">{summary(answer)}{note}</p>
{shown}
</section>"""


def summary(answer: Answer) -> str:
    """Return one line on the size of an answer and what it took."""
    tokens = "token" if answer.matching == 1 else "tokens"
    return (
        f"{len(answer.hits):,} of {answer.matching:,} {tokens} · {answer.timings.total_ms:,.0f} ms"
    )


def _card(hit: Hit, labels: Mapping[str, str]) -> str:
    picture = None if hit.image is None else _img(hit.image, alt=hit.caption)
    name, label = f"{hit.collection} #{hit.token_id}", labels.get(hit.collection)
    return f"""<li class="hit">
<div class="picture">
{picture or '<div class="none">no picture</div>'}
<span class="rank">{hit.rank}</span>
</div>
<div class="about">
<div class="name">
<h3>{_said(name)}</h3>
<span class="score" title="score">{hit.score:.3f}</span>
</div>
{f'<span class="label">{_said(label)}</span>' if label else ""}
{_traits(hit)}
</div>
</li>"""


def _traits(hit: Hit) -> str:
    ordered = [*hit.matched, *(trait for trait in hit.traits if trait not in hit.matched)]
    shown = max(_TRAITS_SHOWN, len(hit.matched))
    if len(ordered) == shown + 1:
        shown += 1  # one more line is shorter than saying that there is one more
    first = _trait_list(ordered[:shown], hit)
    if len(ordered) <= shown:
        return first
    rest = _trait_list(ordered[shown:], hit)
    return f"{first}\n<details><summary>{len(ordered) - shown} more</summary>{rest}</details>"


def _trait_list(traits: Sequence[Trait], hit: Hit) -> str:
    items = [
        f"<li{' class=matched' if trait in hit.matched else ''}>"
        f'<span class="type">{_said(trait.trait_type)}</span> '
        f'<span class="value">{_said(trait.value)}</span></li>'
        for trait in traits
    ]
    return f'<ul class="traits">{"".join(items)}</ul>' if items else ""


def _said(text: str) -> str:
    # <bdi> keeps right-to-left text and direction marks from reordering what is around them.
    return f"<bdi>{escape(text)}</bdi>"


def _img(image: bytes, *, alt: str) -> str | None:
    picture = decode(image)
    return img(picture, alt=alt) if isinstance(picture, Image.Image) else None

"""A data set as a page, without a script: charts are SVG and gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources

from PIL import Image

from traitlens.description.card import rarest, spread
from traitlens.description.croissant import summary, title_of
from traitlens.description.findings import Findings
from traitlens.description.pictures import Gallery
from traitlens.description.publication import Publication
from traitlens.description.statistics import (
    CollectionDescription,
    Colour,
    Counts,
    Description,
    Histogram,
)
from traitlens.description.texts import count, percent, size_words
from traitlens.pages import html_page, img, isolated
from traitlens.plain_text import one_line

COLLECTIONS_DRAWN = 60  # with pictures; the others are rows of a table
_GROUPS_SHOWN = 24
_ROWS_SHOWN = 1000
_BINS = 40
_PIXEL_ART_PX = 64  # smaller pictures are enlarged without smoothing
_PICTURE_PX = 112


def description_page(
    description: Description,
    galleries: Mapping[str, Gallery],
    *,
    findings: Findings,
    publication: Publication | None = None,
) -> str:
    """Return the HTML page; collections in `galleries` are drawn, all stand in a table."""
    style = resources.files("traitlens.description").joinpath("page.css").read_text("utf-8")
    title = title_of(description, publication or Publication())
    parts = [
        f"<h1>{_said(title)}</h1>",
        f'<p class="lead">{escape(summary(description))}</p>',
        _tiles(description),
        _overview(description),
        _drawn(description, galleries),
        _table_of_collections(description),
        _rejected(description.counts),
        _findings(findings),
        _licences(description),
    ]
    return html_page(title, "\n".join(parts), style=style)


def _said(text: str | None) -> str:
    return isolated(one_line(text or ""))


def _tiles(description: Description) -> str:
    traits, captions = description.traits, description.captions
    tiles = {
        "tokens": count(description.counts.kept),
        "collections": count(len(description.collections)),
        "themes": count(len(description.themes)),
        "traits": count(traits.distinct),
        "phrases": count(traits.phrases),
        "distinct captions": count(captions.distinct),
        "ceiling of top-1": percent(captions.ceilings.top1),
        "on disk": size_words(description.pictures.stored_bytes),
    }
    made = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles.items())
    return f'<dl class="tiles">{made}</dl>'


def _overview(description: Description) -> str:
    counts, pictures = description.counts, description.pictures
    sizes = [(f"{size.width} x {size.height} px", size.tokens) for size in pictures.sizes]
    sizes += [("other sizes", pictures.other_sizes)] if pictures.other_sizes else []
    themes = [(group.name, group.tokens) for group in description.themes[:_GROUPS_SHOWN]]
    return f"""<section>
<h2>In all</h2>
<div class="pair">
<div><h4>Tokens by split</h4>{_bars(list(counts.splits.items()))}</div>
<div><h4>Traits per token: {spread(description.traits.per_token)}</h4>
{_chart(description.traits.per_token, "tokens by number of traits")}</div>
<div><h4>Words per caption: {spread(description.captions.words)}</h4>
{_chart(description.captions.words, "captions by number of words")}</div>
<div><h4>Original media</h4>{_bars(list(pictures.media_types.items()))}</div>
<div><h4>Sizes</h4>{_bars(sizes)}</div>
<div><h4>Themes, by tokens{_of(description.themes, _GROUPS_SHOWN)}</h4>{_bars(themes)}</div>
</div>
</section>"""


def _of(found: Sequence[object], shown: int) -> str:
    return f" (the first {shown} of {count(len(found))})" if len(found) > shown else ""


def _bars(rows: Sequence[tuple[str, int]]) -> str:
    most = max((number for _, number in rows), default=0) or 1
    items = "".join(
        f'<li style="--share:{100 * number / most:.1f}%"><span>{_said(name)}</span>'
        f'<span class="number">{count(number)}</span></li>'
        for name, number in rows
    )
    return f'<ul class="bars">{items}</ul>'


def _chart(histogram: Histogram, what: str, *, unit: str = "") -> str:
    """Return a histogram as SVG, in at most `_BINS` bins of equal width."""
    if not histogram.total:
        return ""
    low, high = histogram.minimum, histogram.maximum
    width = -(-(high - low + 1) // _BINS)
    bins = [0] * ((high - low) // width + 1)
    for value, number in zip(histogram.values, histogram.counts, strict=True):
        bins[(value - low) // width] += number
    bars = "".join(
        f'<rect x="{10 * at + 1}" y="{100 - 100 * number / max(bins):.1f}" width="8" '
        f'height="{100 * number / max(bins):.1f}"><title>{_range(low + at * width, width)}{unit}: '
        f"{count(number)}</title></rect>"
        for at, number in enumerate(bins)
        if number
    )
    return (
        f'<svg viewBox="0 0 {10 * len(bins)} 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(what)}">{bars}</svg>'
        f'<div class="axis"><span>{count(low)}</span><span>{count(high)}{unit}</span></div>'
    )


def _range(start: int, width: int) -> str:
    return count(start) if width == 1 else f"{count(start)} to {count(start + width - 1)}"


def _drawn(description: Description, galleries: Mapping[str, Gallery]) -> str:
    cards = [
        _card(one, galleries[one.name]) for one in description.collections if one.name in galleries
    ]
    if not cards:
        return ""
    return f"""<section>
<h2>Collections{_of(description.collections, len(cards))}</h2>
<p class="note">The large picture is the mean of a seeded sample of the collection's pictures,
whose colours are below. Rarity is the information content in bits: the sum of -log2 p over what a
token has and what it lacks.</p>
<div class="cards">
{chr(10).join(cards)}
</div>
</section>"""


def _card(one: CollectionDescription, shown: Gallery) -> str:
    mean = "" if shown.mean is None else _img(shown.mean, alt="mean image")
    examples = "".join(_img(picture, alt=f"token {name}") for name, picture in shown.examples)
    facts = {
        "tokens": count(one.counts.kept),
        "trait types, traits": f"{count(one.traits.types)}, {count(one.traits.distinct)}",
        "traits per token": spread(one.traits.per_token),
        "ceiling of top-1": percent(one.captions.ceilings.top1),
        "rarest tokens": _rarest_tokens(one),
        "rarest trait": _rarest_trait(one),
    }
    rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items() if value)
    return f"""<article class="card">
<div class="title"><h3>{_said(one.name)}</h3><span class="label">{_said(one.theme)}</span></div>
<div class="pictures"><figure>{mean}<figcaption>mean of {count(shown.sampled)}</figcaption></figure>
{examples}</div>
{_colours(shown.colours)}
<dl class="facts">{rows}</dl>
<div><h4>Tokens by rarity</h4>{_chart(one.rarity.bits, "tokens by bits", unit=" bits")}</div>
</article>"""


def _rarest_tokens(one: CollectionDescription) -> str:
    said = (f"{_said(one_line(t.token_id, max_chars=24))} ({t.bits:.1f})" for t in rarest(one))
    return ", ".join(f"<span>{token}</span>" for token in said)


def _rarest_trait(one: CollectionDescription) -> str:
    if not one.rarity.rarest_traits:
        return ""
    trait = one.rarity.rarest_traits[0]
    return f"{_said(f'{trait.trait_type}: {trait.value}')} ({count(trait.tokens)})"


def _colours(colours: Sequence[Colour]) -> str:
    spans = "".join(
        f'<span style="--share:{max(1, round(100 * colour.share))};--colour:{colour.hex}" '
        f'title="{colour.hex} {percent(colour.share)}"></span>'
        for colour in colours
    )
    return f'<div class="colours">{spans}</div>'


def _img(picture: Image.Image, *, alt: str) -> str:
    alt = one_line(alt)
    return img(picture, alt=alt, pixel_art_px=_PIXEL_ART_PX, picture_px=_PICTURE_PX)


def _table_of_collections(description: Description) -> str:
    head = ["collection", "theme", "read", "kept", "trait types", "traits", "phrases", "top-1"]
    rows = []
    for one in description.collections[:_ROWS_SHOWN]:
        counts, traits = one.counts, one.traits
        numbers = (counts.read, counts.kept, traits.types, traits.distinct, traits.phrases)
        top1 = percent(one.captions.ceilings.top1)
        rows.append([_said(one.name), _said(one.theme), *map(count, numbers), top1])
    shown = _of(description.collections, _ROWS_SHOWN)
    return f"<section>\n<h2>All collections{shown}</h2>\n{_table(head, rows, words=2)}</section>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, words: int) -> str:
    """Return a table of ready cells; all columns but the first `words` are numbers."""
    kinds = ["" if at < words else ' class="number"' for at in range(len(head))]

    def row(tag: str, cells: Sequence[str]) -> str:
        made = (f"<{tag}{k}>{cell}</{tag}>" for k, cell in zip(kinds, cells, strict=True))
        return f"<tr>{''.join(made)}</tr>"

    lines = "\n".join(row("td", cells) for cells in rows)
    return f'<div class="scroll"><table>\n{row("th", head)}\n{lines}\n</table></div>\n'


def _rejected(counts: Counts) -> str:
    if not counts.rejected:
        return ""
    return (
        f"<section>\n<h2>Rejected</h2>\n<p>Of {count(counts.read)} tokens read, "
        f"{count(counts.kept)} were kept.</p>\n{_bars(list(counts.rejected.items()))}</section>"
    )


def _findings(findings: Findings) -> str:
    made = ""
    if findings.fallen:
        rows = [[*map(_said, (f.collection, f.rule, f.value, f.limit))] for f in findings.fallen]
        head = ["collection", "rule", "value", "limit"]
        made += f"<section>\n<h2>Fallen to a filter</h2>\n{_table(head, rows, words=4)}</section>"
    if findings.leaks:
        rows = [[_said(leak.kind), count(leak.total)] for leak in findings.leaks]
        table = _table(["kind", "total"], rows, words=1)
        made += f"<section>\n<h2>Leaks between splits</h2>\n{table}</section>"
    return made


def _licences(description: Description) -> str:
    found = description.licences
    rows = [[_said(g.name), count(g.collections), count(g.tokens)] for g in found[:_GROUPS_SHOWN]]
    table = _table(["licence", "collections", "tokens"], rows, words=1)
    return f"<section>\n<h2>Licences, as stated{_of(found, _GROUPS_SHOWN)}</h2>\n{table}</section>"

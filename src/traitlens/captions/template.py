"""The templates: a collection's name and one phrase a trait, in one of several styles.

>>> caption("cryptopunks", [Trait("Type", "Alien"), Trait("Accessory", "Headband")]).text
'cryptopunks with alien type and headband'

Encoders read the beginning of a text (CLIP 77 ids of it), so what tells a token from the others
of its collection comes first: the rarest traits. Numbers and dates follow after the words, since
a serial number is the rarest of all and nobody sees it. Traits that are equally rare keep the
order of the metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from traitlens.captions.counts import TraitCounts
from traitlens.captions.words import TraitWords, collection_words, trait_words
from traitlens.config import check_choice
from traitlens.errors import ConfigError
from traitlens.records import Trait

TEMPLATE_VERSION = 2  # 1 was that of traitlens 0.1: one style, in the metadata's order
ORDERS = ("identifying", "metadata")


@dataclass(frozen=True, slots=True)
class Caption:
    """A text, and for each trait its [start, end) span in characters.

    A trait that says nothing (`None`, an empty value) has an empty span; two traits that say the
    same share one.
    """

    text: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    """How a template joins what it says."""

    opening: Callable[[str], str]  # the beginning, from the collection's name or ""
    first: str  # between the opening and the first phrase
    between: str
    last: str  # before the last of several phrases
    end: str = ""
    of_trait: Callable[[TraitWords], str] = lambda words: words.phrase


def _as_subject(name: str) -> str:
    article = "An" if name[:1] in "aeiou" and name else "A"
    return " ".join(f"{article} {name} token".split())


def _typed(words: TraitWords) -> str:
    return f"{words.kind}: {words.value}" if words.kind and words.value else words.phrase


_STYLES = {
    "plain": _Style(opening=str, first=" with ", between=", ", last=" and "),
    "tags": _Style(opening=str, first=", ", between=", ", last=", "),
    "sentence": _Style(opening=_as_subject, first=" with ", between=", ", last=" and ", end="."),
    "typed": _Style(opening=str, first="; ", between="; ", last="; ", of_trait=_typed),
}
STYLES = tuple(_STYLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionConfig:
    """Which template makes the captions.

    Styles, for one token: `plain` "apes with cap hat and blue fur"; `tags` "apes, cap hat, blue
    fur", as the paper's prompts; `sentence` "An apes token with cap hat and blue fur."; `typed`
    "apes; hat: cap; fur: blue".
    """

    style: str = "plain"
    order: str = "identifying"  # the rarest first, or as in the metadata
    version: int = TEMPLATE_VERSION

    def __post_init__(self) -> None:
        check_choice("captions.style", self.style, STYLES)
        check_choice("captions.order", self.order, ORDERS)
        if self.version != TEMPLATE_VERSION:
            raise ConfigError(
                f"captions.version must be {TEMPLATE_VERSION}, the one that this traitlens "
                f"writes; got {self.version!r}"
            )


PLAIN = CaptionConfig()


def caption(
    collection: str,
    traits: Sequence[Trait],
    *,
    config: CaptionConfig = PLAIN,
    counts: TraitCounts | None = None,
) -> Caption:
    """Return the text about a token; the spans are in the order of `traits`.

    Without the `counts` of its collection nobody knows what is rare, and the order is that of
    `traits`.
    """
    return sub_caption(collection, traits, range(len(traits)), config=config, counts=counts)


def sub_caption(
    collection: str,
    traits: Sequence[Trait],
    keep: Iterable[int],
    *,
    config: CaptionConfig = PLAIN,
    counts: TraitCounts | None = None,
) -> Caption:
    """Return the text about the traits at the positions `keep`, in the order of the whole caption.

    There is a span for each of `traits`, an empty one for those that are left out. An empty
    `collection` leaves the name out, as searchers mostly do.
    """
    style, chosen = _STYLES[config.style], set(keep)
    words = [trait_words(trait) for trait in traits]
    order = identifying_order(traits, counts) if config.order == "identifying" else None
    told = [n for n in order or range(len(traits)) if n in chosen and words[n].phrase]
    said = {n: style.of_trait(words[n]) for n in told}
    text, where = _join(style, collection_words(collection), list(dict.fromkeys(said.values())))
    spans = (where[said[n]] if n in said else (len(text), len(text)) for n in range(len(traits)))
    return Caption(text, tuple(spans))


def sentence(name: str, phrases: Sequence[str]) -> str:
    """Return the plain style's words about `phrases`; an empty `name` leaves only these."""
    return _join(_STYLES["plain"], name, list(dict.fromkeys(filter(None, phrases))))[0]


def identifying_order(traits: Sequence[Trait], counts: TraitCounts | None) -> list[int]:
    """Return the positions of `traits`, what identifies a token first.

    Words before numbers and dates, then by rarity, then as given.
    """

    def key(number: int) -> tuple[bool, int]:
        trait = traits[number]
        return trait_words(trait).is_measure, counts.of_trait(trait) if counts else 0

    return sorted(range(len(traits)), key=key) if counts else list(range(len(traits)))


def _join(
    style: _Style, name: str, phrases: Collection[str]
) -> tuple[str, dict[str, tuple[int, int]]]:
    """Return the text and the span of each phrase in it; the phrases are distinct."""
    text, where = style.opening(name), {}
    for said, words in enumerate(phrases, start=1):
        glue = style.between if said < len(phrases) else style.last
        text += (style.first if said == 1 else glue) if text else ""
        where[words] = (len(text), len(text) + len(words))
        text += words
    return text + style.end, where

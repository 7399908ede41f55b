"""The demo: sample collections drawn, built, indexed and searched, offline, with the defaults."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from traitlens import files
from traitlens.construction import build
from traitlens.models import load_encoder
from traitlens.progress import Progress, silent
from traitlens.retrieval import Index, Section, answers_page, answers_sheet, index
from traitlens.sources.dicebear_styles import HELD_OUT_STYLES
from traitlens.sources.samples import SampleConfig, draw_samples
from traitlens.standardization import decode, png_bytes

LABELS = dict.fromkeys(HELD_OUT_STYLES, "unseen style")

_HITS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One of the demo's searches, and what it is to show."""

    shows: str
    words: str | None = None
    like: str | None = None
    picture_of: str | None = None  # a token whose picture is searched with, as if from outside
    where: str | None = None


QUESTIONS = (
    Question(shows="Words", words="critters with mint body and three row eyes"),
    Question(
        shows="Words, among the tokens that have a trait",
        words="purple background and yellow pot",
        where="collection=sprouts AND Plant=Tulip",
    ),
    Question(
        shows="A photo: smaller, and through JPEG; the style was never seen in training",
        picture_of="open-peeps/42",
    ),
    Question(
        shows="More like this token; the style was never seen in training", like="voxel-bot/7"
    ),
    Question(
        shows="A trait that must be absent",
        words="voxel art with purple hair",
        where="Glasses!=Round AND NOT Top=Bob",
    ),
    Question(
        shows="Nothing has these traits, and it says so",
        words="clay figure with round glasses",
        where="collection=clay AND Glasses=Round",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Showcase:
    """What the demo wrote, and what it found."""

    sections: tuple[Section, ...]
    page: Path
    sheet: Path
    collections: tuple[str, ...]
    tokens: int


def demo(
    out: str | Path, *, samples: SampleConfig | None = None, progress: Progress = silent
) -> Showcase:
    """Draw sample collections below `out`, build, index and search them; write page and sheet."""
    out = Path(out)
    draw_samples(out / "raw", samples or SampleConfig(), progress=progress)
    data = build([out / "raw"], out / "data", replace=True, progress=progress)
    encoder = load_encoder()
    index(data, out / "idx", encoder=encoder, replace=True, progress=progress)
    with Index.open(out / "idx", encoder=encoder, data=data) as opened:
        sections = tuple(_ask(opened, question) for question in QUESTIONS)
    page, sheet = out / "demo.html", out / "demo.png"
    files.write_text(page, answers_page("traitlens demo", sections, labels=LABELS))
    files.write_bytes(sheet, png_bytes(answers_sheet(sections, labels=LABELS, columns=_HITS)))
    return Showcase(
        sections=sections,
        page=page,
        sheet=sheet,
        collections=data.collections,
        tokens=data.count(),
    )


def _ask(opened: Index, question: Question) -> Section:
    picture = _photo(_picture(opened, question.picture_of)) if question.picture_of else None
    answer = opened.search(
        question.words, image=picture, like=question.like, where=question.where, k=_HITS
    )
    shown = _picture(opened, question.like) if question.like else picture
    return Section(answer=answer, heading=question.shows, picture=shown)


def _picture(opened: Index, name: str) -> Image.Image:
    """Return the picture of the token "collection/token_id"."""
    assert opened.data is not None, "the demo has just built it"
    collection, _, token_id = name.partition("/")
    tokens = opened.data.tokens(collections=[collection])
    picture = next(decode(t.image or b"") for t in tokens if t.token_id == token_id)
    assert isinstance(picture, Image.Image)
    return picture


def _photo(picture: Image.Image) -> Image.Image:
    """Return a picture as it comes back from the street: smaller, and through JPEG."""
    sink = io.BytesIO()
    picture.convert("RGB").resize((96, 96)).save(sink, "JPEG", quality=60)
    photo = decode(sink.getvalue())
    assert isinstance(photo, Image.Image)
    return photo

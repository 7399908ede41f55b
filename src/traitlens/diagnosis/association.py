"""Concept association bias: does a model take one part's colour for another's?

Of a picture with a red hat on a blue background, a model that sees a bag of concepts finds "blue
hat" as good as "red hat". So it is asked for the colour of one part where another part has another
colour. (Yamada et al. 2022, "When are Lemons Purple? The Concept Association Bias of
Vision-Language Models", arXiv:2212.12043; the score and its questions are our own definition.)

A question: a token whose part A has the colour a and whose part B has the colour b. The choices are
the collection's real values of A that say the same as the token's but for the colour, worded as a
sub-caption of that trait alone; b must be among them. The choice with the highest score is the
answer, of choices that tie each in equal parts.

    CAB = P(answer is b) - P(answer is a)

-1 is a model that always reads the right part, 0 one that does not care or sees nothing, and
above 0 it takes the other part's colour.
"""

# Axes: Q questions, C choices of one question, D dimensions

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from traitlens.config import check_range
from traitlens.diagnosis.colour_questions import ColourQuestion, draw_colour_questions
from traitlens.diagnosis.overlap import MACRO
from traitlens.diagnosis.questions import (
    MIN_QUESTIONS,
    Array,
    drawing,
    even_wording,
    mean,
    one_gallery,
    scores_of,
    skipped_note,
    too_few,
)
from traitlens.embedding import Embedded
from traitlens.progress import Progress, silent
from traitlens.records import Token
from traitlens.tables import Column, Table, percents

LISTED = 15  # pairs of parts
EXAMPLES = 3  # of a collection, for people to look at


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationRow:
    """Which colour a model gives to a part, as shares of the questions.

    `own` is the part's, `other` that of the other part, `neither` any other one, `chance` what
    either would get of a blind answer, and `over_own` how often the other's colour scores above
    the own one, whatever the other choices do (chance 1/2). `MACRO` is the mean over collections.
    `part` and `other_part` are trait types, None for all together.
    """

    model: str
    collection: str
    part: str | None = None
    other_part: str | None = None
    questions: int
    own: float
    other: float
    neither: float
    chance: float
    over_own: float

    @property
    def bias(self) -> float:
        """CAB, in [-1, 1]: -1 reads the right part, above 0 takes the other part's colour."""
        return self.other - self.own

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "bias": self.bias}


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationExample:
    """A token of which a model took the other part's colour for the part's own."""

    collection: str
    token_id: str
    part: str
    colour: str
    other_part: str
    other_colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """The concept association bias of models, by collection and by pair of parts."""

    per_collection: int
    seed: int
    rows: tuple[AssociationRow, ...]  # of all parts together
    pairs: tuple[AssociationRow, ...]  # by collection and pair of parts
    examples: tuple[AssociationExample, ...]  # of the first model
    skipped: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        rows = {name: [row.to_json() for row in getattr(self, name)] for name in ("rows", "pairs")}
        return {**asdict(self), **rows}

    def tables(self) -> tuple[Table, ...]:
        """Return the means over collections, every collection, and the pairs of most bias."""
        return self._means(), self._collections(), self._worst_pairs()

    def _means(self) -> Table:
        collections = len({row.collection for row in self.rows} - {MACRO})
        return Table(
            title=f"Which part's colour is read, mean over {collections} collections",
            columns=(Column("model"), *_COLUMNS, *percents(("neither",))),
            rows=tuple(
                (row.model, *_cells(row), row.neither)
                for row in self.rows
                if row.collection == MACRO
            ),
            note="The bias (CAB) is other part's minus own: -1 reads the right part, 0 is chance, "
            "and above 0 the model takes the other part's colour. Chance is that of own and of "
            "other part's each. Other over own: of these two alone, whatever else there is to "
            "choose; chance is 50, and above the model takes the other's.",
        )

    def _collections(self) -> Table:
        return Table(
            title="Which part's colour is read, every collection",
            columns=(*map(Column, ("collection", "model")), *_COLUMNS),
            rows=tuple(
                (row.collection, row.model, *_cells(row))
                for row in self.rows
                if row.collection != MACRO
            ),
            note=skipped_note(self.skipped),
        )

    def _worst_pairs(self) -> Table:
        first = [row for row in self.pairs if row.model == self.pairs[0].model]
        asked = [row for row in first if row.questions >= MIN_QUESTIONS]
        listed = sorted(asked, key=lambda row: -row.bias)[:LISTED]
        return Table(
            title="Parts that are most taken for one another",
            columns=(*map(Column, ("collection", "part", "other part")), *_COLUMNS),
            rows=tuple((row.collection, row.part, row.other_part, *_cells(row)) for row in listed),
            note=f"Of pairs with {MIN_QUESTIONS} questions or more"
            + (f", by {listed[0].model}" if listed else "")
            + "; the worst of many are so partly by bad luck.",
        )


_COLUMNS = (
    Column("questions", "count"),
    *percents(("own", "other part's", "chance")),
    Column("bias", "number", 2),
    *percents(("other over own",)),
)


def _cells(row: AssociationRow) -> tuple[float, ...]:
    return row.questions, row.own, row.other, row.chance, row.bias, row.over_own


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Answered:
    """The questions about a collection and a model's answers, each of shape (Q,).

    `own` and `other` are the shares of the answer that are the own and the other part's colour,
    `over_own` is 1 where the other's scores above the own one, 1/2 where they tie.
    """

    collection: str
    model: str
    questions: list[ColourQuestion]
    own: Array
    other: Array
    over_own: Array

    def row(self, pair: tuple[str, str] | None = None) -> AssociationRow:
        """Return the row of the questions about a pair of parts, by default of all."""
        parts = [each.parts for each in self.questions]
        chosen = [number for number, each in enumerate(parts) if pair in (None, each)]
        part, other_part = pair or (None, None)
        return AssociationRow(
            model=self.model,
            collection=self.collection,
            part=part,
            other_part=other_part,
            questions=len(chosen),
            own=float(self.own[chosen].mean()),
            other=float(self.other[chosen].mean()),
            neither=float((1 - self.own - self.other)[chosen].mean()),
            chance=mean(1 / len(self.questions[number].prompts) for number in chosen),
            over_own=float(self.over_own[chosen].mean()),
        )

    def pair_rows(self) -> Iterator[AssociationRow]:
        """Yield the row of each pair of parts."""
        for pair in sorted({each.parts for each in self.questions}):
            yield self.row(pair)


def association(
    found: Sequence[Embedded],
    *,
    per_collection: int = 200,
    seed: int = 0,
    progress: Progress = silent,
) -> Association:
    """Return the concept association bias of each model, from questions about colours of parts.

    At most `per_collection` questions are drawn about each collection, the same for all models.
    Raises ConfigError below 1, and ModelError for a model that cannot read new texts.
    """
    check_range("per_collection", per_collection, low=1)
    gallery = one_gallery(found)
    wording = even_wording(gallery.data)
    answered: list[_Answered] = []
    examples: list[AssociationExample] = []
    skipped: dict[str, str] = {}
    for done, name in enumerate(gallery.collections, start=1):
        tokens = gallery.tokens(name)
        rng = drawing(seed, "association", name)
        asked = draw_colour_questions(name, tokens, most=per_collection, config=wording, rng=rng)
        if isinstance(asked, str):
            skipped[name] = asked
        elif too_few(len(asked), most=per_collection):
            skipped[name] = f"{len(asked)} questions can be asked, below {MIN_QUESTIONS}"
        else:
            answers = [_answer(each, name, asked) for each in found]
            answered += answers
            examples += _examples(answers[0], tokens)
        progress("concept association", done, len(gallery.collections), name)
    rows = [each.row() for each in answered]
    return Association(
        per_collection=per_collection,
        seed=seed,
        rows=(*rows, *_means(rows)),
        pairs=tuple(row for each in answered for row in each.pair_rows()),
        examples=tuple(examples),
        skipped=skipped,
    )


def _answer(embedded: Embedded, name: str, asked: list[ColourQuestion]) -> _Answered:
    images_ND, _ = embedded.of(name)
    prompts = embedded.encode_texts([prompt for each in asked for prompt in each.prompts])
    ends = np.cumsum([len(each.prompts) for each in asked])
    answers = [
        _shares(scores_of(images_ND[[each.row]], prompts_CD[None])[0], each)
        for each, prompts_CD in zip(asked, np.split(prompts, ends[:-1]), strict=True)
    ]
    own, other, over_own = np.array(answers).T
    return _Answered(
        collection=name,
        model=embedded.model,
        questions=asked,
        own=own,
        other=other,
        over_own=over_own,
    )


def _shares(scores_C: Array, asked: ColourQuestion) -> tuple[float, float, float]:
    """Return the answer's shares of the own and the other colour, and if the other beats the own.

    NaN scores last.
    """
    scores_C = np.where(np.isnan(scores_C), -np.inf, scores_C)
    best_C = scores_C == scores_C.max()
    share_C = best_C / best_C.sum()
    own, other = scores_C[asked.own], scores_C[asked.other]
    over_own = 0.5 if own == other else float(other > own)
    return float(share_C[asked.own]), float(share_C[asked.other]), over_own


def _means(rows: Sequence[AssociationRow]) -> Iterator[AssociationRow]:
    """Yield the mean over collections of each model."""
    for model in dict.fromkeys(row.model for row in rows):
        mine = [row for row in rows if row.model == model]
        yield AssociationRow(
            model=model,
            collection=MACRO,
            questions=sum(row.questions for row in mine),
            own=mean(row.own for row in mine),
            other=mean(row.other for row in mine),
            neither=mean(row.neither for row in mine),
            chance=mean(row.chance for row in mine),
            over_own=mean(row.over_own for row in mine),
        )


def _examples(answered: _Answered, tokens: Sequence[Token]) -> Iterator[AssociationExample]:
    """Yield the first questions that were answered with the other part's colour."""
    wrong = [
        each for each, other in zip(answered.questions, answered.other, strict=True) if other == 1
    ]
    for each in wrong[:EXAMPLES]:
        part, other_part = each.parts
        yield AssociationExample(
            collection=answered.collection,
            token_id=tokens[each.row].token_id,
            part=part,
            colour=each.colours[each.own],
            other_part=other_part,
            other_colour=each.colours[each.other],
        )

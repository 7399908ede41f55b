"""What can be reproduced, by name, and what each needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from traitlens.config import nearest
from traitlens.errors import ConfigError
from traitlens.reproduction import galleries, masking, sizes, variance
from traitlens.reproduction.arms import ZERO_SHOT, Arm
from traitlens.reproduction.bench import Bench
from traitlens.reproduction.published import B_32, L_14, META_L_14, MODELS
from traitlens.reproduction.record import Made
from traitlens.tables import Column, Table

OTHER_MODEL = "tiny"  # where the data set is not NFT1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A table or figure of the paper: what makes it, from which arms of which models.

    `hours` on one A100 and `disk` are estimates for all of NFT1000 with the paper's models, when
    no other table has made anything; docs/reproduction.md has their arithmetic.
    """

    name: str
    title: str
    source: str
    make: Callable[[Bench], Made]
    arms: tuple[Arm, ...] = ()
    checkpoints: tuple[str, ...] = ()
    hours: int
    disk: str
    alias: str | None = None
    models_known: bool = True  # whether the checkpoints are the paper's, or our choice

    @property
    def models(self) -> str:
        """The paper's models in this table."""
        if not self.models_known:
            return "not known to us"
        return ", ".join(MODELS[checkpoint] for checkpoint in self.checkpoints)

    @property
    def needs(self) -> str:
        """What must be trained and searched for one model, in words."""
        trained = [arm.words for arm in self.arms if arm != ZERO_SHOT]
        if not self.arms:
            return "no model"
        return "; ".join(trained) if trained else "zero-shot only"


_ALL = (B_32, META_L_14, L_14)

ENTRIES = (
    Entry(
        name="split",
        title="Sizes of the splits",
        source="section 4",
        make=sizes.split,
        hours=0,
        disk="the data set",
    ),
    Entry(
        name="table1",
        title="Top-k in one gallery of all test tokens",
        source="table 1",
        make=galleries.table1,
        arms=galleries.ARMS,
        checkpoints=_ALL,
        hours=90,
        disk="the data set and 0.93 TB of scratch",
    ),
    Entry(
        name="table3",
        title="Top-k by the chance p to hide a component",
        source="table 3",
        make=masking.table3,
        arms=masking.TABLE_3_ARMS,
        checkpoints=(B_32,),
        hours=30,
        disk="the data set, mini (0.23 TB) and 0.12 TB of scratch",
    ),
    Entry(
        name="table4",
        title="Top-k by what a model was fine-tuned on",
        source="table 4",
        make=masking.table4,
        arms=masking.TABLE_4_ARMS,
        checkpoints=_ALL,
        hours=130,
        disk="the data set, mini (0.23 TB) and 0.93 TB of scratch",
    ),
    Entry(
        name="table5",
        title="Top-k within single collections",
        source="table 5",
        make=galleries.table5,
        arms=galleries.ARMS,
        checkpoints=(L_14,),
        hours=35,
        disk="the data set and 0.93 TB of scratch",
    ),
    Entry(
        name="table6",
        title="CVI and zero-shot top-k",
        source="table 6",
        make=variance.table6,
        arms=variance.ARMS,
        checkpoints=(L_14,),
        models_known=False,
        hours=7,
        disk="the data set",
    ),
    Entry(
        name="headline",
        title="Mini with masking against all without",
        source="abstract and table 4",
        make=masking.headline,
        arms=masking.HEADLINE_ARMS,
        checkpoints=(L_14,),
        hours=40,
        disk="the data set, mini (0.23 TB) and 0.93 TB of scratch",
    ),
    Entry(
        name="fig7",
        title="Top-1 collection by collection, before and after fine-tuning",
        source="our reading of figure 7",
        make=galleries.collections,
        arms=galleries.ARMS,
        checkpoints=(L_14,),
        models_known=False,
        hours=35,
        disk="the data set and 0.93 TB of scratch",
        alias="collections",
    ),
    Entry(
        name="fig11",
        title="Divergence of CVI and top-k over alpha",
        source="our reading of figure 11",
        make=variance.alpha,
        arms=variance.ARMS,
        checkpoints=(L_14,),
        models_known=False,
        hours=7,
        disk="the data set",
        alias="alpha",
    ),
)

ODDITIES = "oddities"

_BY_NAME = {entry.name: entry for entry in ENTRIES} | {
    entry.alias: entry for entry in ENTRIES if entry.alias
}


def names() -> tuple[str, ...]:
    """Return all that can be asked for, without aliases."""
    return (*(entry.name for entry in ENTRIES), ODDITIES)


def find(name: str) -> Entry | None:
    """Return what a name stands for, None for the oddities; ConfigError for a wrong name."""
    if name == ODDITIES:
        return None
    if name not in _BY_NAME:
        guess = nearest(name, [*_BY_NAME, ODDITIES])
        hint = f", did you mean {guess!r}?" if guess else ""
        raise ConfigError(f"table must be one of {', '.join(names())}; got {name!r}{hint}")
    return _BY_NAME[name]


def catalogue() -> Table:
    """Return what there is as a table."""
    rows = [
        (
            entry.name if not entry.alias else f"{entry.name} ({entry.alias})",
            entry.title,
            entry.source,
            entry.needs,
            f"{entry.hours} h" if entry.hours else "none",
            entry.disk,
        )
        for entry in ENTRIES
    ]
    oddities = (
        ODDITIES,
        "What does not add up in the paper",
        "all of it",
        "no data",
        "none",
        "none",
    )
    return Table(
        title="What can be reproduced",
        columns=tuple(
            map(Column, ("name", "what", "in the paper", "runs a model", "one A100", "disk"))
        ),
        rows=(*rows, oddities),
        note="Hours and disk are estimates for NFT1000 with the paper's models "
        "(docs/reproduction.md). Tables of one folder share their runs. On other data the tiny "
        "preset is taken, and minutes on a CPU do.",
    )

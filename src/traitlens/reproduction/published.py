"""The numbers that the paper prints, as shares and counts.

Wang et al., NFT1000: A Cross-Modal Dataset for Non-Fungible Token Retrieval, ACM Multimedia 2024
(arXiv 2402.16872). Retrieval is from text to image, at k = 1, 5 and 10.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from traitlens.records import Split
from traitlens.reproduction.arms import ON_ALL, ON_MINI, ZERO_SHOT, Arm, masked

PerK = dict[int, float]

B_32 = "openai/clip-vit-base-patch32"
META_L_14 = "facebook/metaclip-l14-400m"
L_14 = "openai/clip-vit-large-patch14"

# The paper's name of each checkpoint.
MODELS = {B_32: "CLIP ViT-B/32", META_L_14: "MetaCLIP ViT-L/14", L_14: "CLIP ViT-L/14"}

ALPHA = 0.7  # section 6.3
DEFAULT_P = 0.5  # section 6.1
HEADLINE_GAIN = 0.0744  # top-1, abstract and table 4
HEADLINE_SHARE = 0.13  # of the training data
TOKENS = 7_560_000  # "7.56 million", section 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of NFT1000, and of NFT1000mini, a split has (section 4)."""

    collections: int
    tokens: int
    mini_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGallery:
    """A row of table 5: the top-k of ViT-L/14 within a gallery of `n` tokens."""

    n: int
    zero_shot: PerK
    fine_tuned: PerK

    def of(self, arm: Arm) -> PerK:
        return self.zero_shot if arm == ZERO_SHOT else self.fine_tuned


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceRow:
    """A row of table 6: zero-shot top-k beside CVI.

    `n` is not printed there. It is the authors' own size of a collection, and for a class of COCO
    the one that fits the printed percentages.
    """

    n: int
    recall: PerK
    index: float
    coco: bool = False


def _percents(top1: float, top5: float, top10: float) -> PerK:
    return {1: top1 / 100, 5: top5 / 100, 10: top10 / 100}


SIZES: dict[Split, Size] = {
    "train": Size(collections=800, tokens=6_178_249, mini_tokens=794_698),
    "validation": Size(collections=50, tokens=383_916, mini_tokens=49_738),
    "test": Size(collections=150, tokens=1_000_838, mini_tokens=147_615),
}

# One gallery of all test tokens.
TABLE_1: dict[str, dict[Arm, PerK]] = {
    B_32: {
        ZERO_SHOT: _percents(0.01, 0.02, 0.03),
        ON_ALL: _percents(10.63, 20.32, 25.19),
    },
    META_L_14: {
        ZERO_SHOT: _percents(0.00, 0.01, 0.02),
        ON_ALL: _percents(13.06, 23.68, 28.81),
    },
    L_14: {
        ZERO_SHOT: _percents(0.06, 0.25, 0.42),
        ON_ALL: _percents(15.36, 27.55, 33.26),
    },
}

# One gallery of mini's test tokens.
TABLE_3: dict[str, dict[Arm, PerK]] = {
    B_32: {
        masked(0.0): _percents(16.93, 29.99, 36.17),
        masked(0.3): _percents(22.79, 36.86, 42.87),
        masked(0.5): _percents(22.68, 37.17, 43.51),
        masked(0.7): _percents(21.59, 35.71, 41.88),
    }
}

TABLE_4: dict[str, dict[Arm, PerK]] = {
    B_32: {
        ZERO_SHOT: _percents(0.03, 0.10, 0.15),
        ON_MINI: _percents(12.10, 23.66, 29.54),
        ON_ALL: _percents(20.33, 34.47, 40.74),
        masked(DEFAULT_P): _percents(22.68, 37.17, 43.51),
    },
    META_L_14: {
        ZERO_SHOT: _percents(0.01, 0.05, 0.11),
        ON_MINI: _percents(20.53, 35.05, 41.67),
        ON_ALL: _percents(23.07, 37.08, 43.01),
        masked(DEFAULT_P): _percents(31.83, 47.29, 53.47),
    },
    L_14: {
        ZERO_SHOT: _percents(0.33, 1.02, 1.55),
        ON_MINI: _percents(20.43, 34.78, 41.13),
        ON_ALL: _percents(26.66, 41.91, 48.22),
        masked(DEFAULT_P): _percents(34.10, 50.21, 56.41),
    },
}


def _own(n: int, zero_shot: Iterable[float], fine_tuned: Iterable[float]) -> OwnGallery:
    return OwnGallery(n=n, zero_shot=_percents(*zero_shot), fine_tuned=_percents(*fine_tuned))


TABLE_5: dict[str, OwnGallery] = {
    "Stoner Ape Club": _own(6666, (1.08, 2.81, 4.29), (91.31, 98.93, 99.61)),
    "Junglebayapeclub": _own(5555, (0.90, 2.65, 4.14), (89.79, 98.56, 99.23)),
    "Cool Ape Club": _own(5555, (0.59, 1.39, 2.32), (88.17, 97.95, 99.05)),
    "Fat Rat Mafia": _own(7777, (0.03, 0.27, 0.63), (83.27, 96.18, 98.06)),
    "0xAzuki": _own(9999, (0.85, 3.25, 5.48), (80.73, 95.44, 97.82)),
    "ShinseiGalverse": _own(8889, (0.01, 0.16, 0.35), (0.19, 0.75, 1.31)),
    "Gazer": _own(2100, (0.00, 0.24, 0.43), (0.05, 0.19, 0.43)),
    "APE DAO REMIX!": _own(5528, (0.02, 0.14, 0.22), (0.04, 0.18, 0.36)),
    "J48BAFORMS": _own(4848, (0.04, 0.10, 0.21), (0.12, 0.27, 0.54)),
    "Superlative Secret Society": _own(11110, (0.02, 0.05, 0.08), (0.02, 0.08, 0.21)),
}
TABLE_5_ALL = _own(1_000_838, (0.06, 0.25, 0.42), (21.04, 34.40, 40.16))


def _row(n: int, recall: Iterable[float], index: float, *, coco: bool = False) -> VarianceRow:
    return VarianceRow(n=n, recall=_percents(*recall), index=index, coco=coco)


TABLE_6: dict[str, VarianceRow] = {
    "Savage Droids": _row(2743, (0.0365, 0.1823, 0.3646), 0.0003),
    "Hor1zon": _row(6999, (0.0286, 0.1429, 0.4858), 0.0005),
    "CyberTurtles": _row(5555, (0.3060, 0.7201, 1.3141), 0.0007),
    "SpriteClub": _row(7777, (0.4758, 1.7359, 2.9574), 0.0009),
    "Tasty Bones": _row(5049, (1.4656, 3.7433, 5.9418), 0.0011),
    "COCO person": _row(2694, (10.3192, 25.6125, 37.2309), 0.0034, coco=True),
    "COCO car": _row(536, (13.2463, 36.3806, 50.0), 0.0037, coco=True),
    "COCO broccoli": _row(72, (18.0556, 37.5, 56.9444), 0.0038, coco=True),
    "COCO backpack": _row(229, (24.8908, 52.8384, 68.1223), 0.0042, coco=True),
    "COCO cell phone": _row(215, (26.0465, 50.2326, 60.4651), 0.0044, coco=True),
}


def stands_for(checkpoint: str, table: dict[str, dict[Arm, PerK]]) -> str:
    """Return the paper's checkpoint that a model is compared with: itself, or the table's first."""
    return checkpoint if checkpoint in table else next(iter(table))

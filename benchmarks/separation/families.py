"""Which collections have true masks, what art they are, and which of them a method is tuned on.

The line runs between families: collections of one family share art, and the DiceBear styles that
one hand drew share shapes and habits. What is in REPORT was never looked at while tuning.
"""

from __future__ import annotations

PFP_TUNING = ("nouns", "lilnouns", "cryptopunks")
PFP_REPORT = ("mfers", "avastars")

STYLES_TUNING = ("clay", "critters", "sprouts", "moods", "miniavs", "dylan")
STYLES_REPORT = (
    "open-peeps",
    "voxel-art",
    "voxel-bot",
    "cutouts",
    "cameo",
    "shadows",
    "toon-head",
)

TUNING = PFP_TUNING + STYLES_TUNING
REPORT = PFP_REPORT + STYLES_REPORT
STYLES = STYLES_TUNING + STYLES_REPORT
COLLECTIONS = TUNING + REPORT

PIXEL_ART = frozenset(PFP_TUNING)  # everything else is vector art

PARTS = {"tuning": TUNING, "report": REPORT}


def part_of(collection: str) -> str:
    """Return "tuning" or "report"; a collection that is in neither list is to report on."""
    return "tuning" if collection in TUNING else "report"


def art_of(collection: str) -> str:
    """Return "pixel art" or "vector art"."""
    return "pixel art" if collection in PIXEL_ART else "vector art"

"""What is asked, of what art, and how it will be judged: written before the runs.

**Primary endpoint**: top-1 of text to image within a collection (whole captions, pixels alone on
the gallery side, ties in expectation), on test tokens of the collections that were trained on, as
the mean over clusters. Everything else is secondary and said to be.

**Clusters**: 15 families of real collections and 17 drawn styles, each once, in eight groups of
four. A trial trains one model on one group. Trial s of an arm has seed s and group s: eight fresh
seeds, and 32 clusters behind a mean. What is compared is paired, cluster by cluster. Seed and group
are not crossed, so the spread over clusters holds that of seeds.

**Choices** are made on validation tokens, at seed `SELECTION_SEED`, which no confirming trial has,
in the groups of `SELECTION_GROUPS`. Confirming trials are judged on test tokens alone.

**Equal steps**: every arm takes the same number of optimizer steps of the same batch size; arms
with more texts or twins a step cost more time, which is told.
"""

from __future__ import annotations

GROUPS: tuple[tuple[str, ...], ...] = (
    ("cryptopunks", "nouns", "clay", "micah"),
    ("moonbirds", "mfers", "critters", "big-smile"),
    ("cryptoadz", "avastars", "sprouts", "personas"),
    ("citizens-london", "onchainmonkey", "cutouts", "dylan"),
    ("pudgies", "filthy-peasants", "cameo", "fun-emoji"),
    ("moonrunners", "non-fungi-bles", "gaze", "miniavs"),
    ("bears", "blklavas", "moods", "toon-head"),
    ("moonbears", "open-peeps", "voxel-art", "voxel-bot"),
)
STYLES = (
    *("clay", "micah", "critters", "big-smile", "sprouts", "personas", "cutouts", "dylan"),
    *("cameo", "fun-emoji", "gaze", "miniavs", "moods", "toon-head"),
    *("open-peeps", "voxel-art", "voxel-bot"),
)
PERCENTS = (3, 13, 100)  # of the train tokens
SEEDS = tuple(range(len(GROUPS)))  # seed s trains group s
SELECTION_SEED = 100
SELECTION_GROUPS = (0, 4)


def unseen_group(group: int) -> int:
    """Return the group whose collections a group's models are also tested on, unseen."""
    return (group + 1) % len(GROUPS)

"""A method run on a collection: its components, the seconds and the memory that it took."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from traitlens.records import Token
from traitlens.separation import ComponentMasks, SeparationConfig, separate_tokens
from traitlens.separation.masks import read_picture
from traitlens.separation.separate import sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a method found, and at what cost."""

    masks: ComponentMasks
    seconds: float
    peak_gb: float  # of the process meanwhile, with all that it held before


def run(collection: str, tokens: Sequence[Token], config: SeparationConfig) -> Run:
    """Return the components of tokens of one size; their pictures are decoded on the way."""
    _forget_peak()
    start = time.perf_counter()
    used = sample(tokens, config, area=tokens[0].width * tokens[0].height)
    pictures = (read_picture(token) for token in used)
    masks = separate_tokens(collection, used, pictures, config=config)
    seconds = time.perf_counter() - start
    return Run(masks=masks, seconds=seconds, peak_gb=_peak_gb())


def _forget_peak() -> None:
    """Let Linux measure the peak of this process's memory anew."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_gb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(peak) / 2**20

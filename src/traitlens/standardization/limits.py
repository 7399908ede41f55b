"""What hostile media may cost."""

from __future__ import annotations

from dataclasses import dataclass

from traitlens.config import check_range


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one file; what goes beyond one of them is rejected, and costs one row.

    Bytes, pixels and frames are checked before anything is decoded. Seconds and memory are held by
    the process that decodes (`standardization.guard`).
    """

    max_bytes: int = 64 * 2**20
    max_pixels: int = 64_000_000  # 8,000 x 8,000: above any real token, 256 MB decoded
    max_frames: int = 2_000
    timeout_s: float = 20.0
    max_memory_bytes: int = 2 * 2**30  # beyond what the process needs for itself

    def __post_init__(self) -> None:
        check_range("limits.max_bytes", self.max_bytes, low=1)
        check_range("limits.max_pixels", self.max_pixels, low=1)
        check_range("limits.max_frames", self.max_frames, low=1)
        check_range("limits.timeout_s", self.timeout_s, low=0.1)
        check_range("limits.max_memory_bytes", self.max_memory_bytes, low=2**26)

"""How a data set is made from its sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from traitlens import files
from traitlens.captions import CaptionConfig
from traitlens.errors import ConfigError
from traitlens.filtering import FilterConfig
from traitlens.split import SplitConfig
from traitlens.standardization import FrameConfig, SizeConfig, StandardizeConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildConfig:
    """The configs of the stages. The defaults keep pixel art as it is and drop nothing small."""

    standardize: StandardizeConfig = field(default_factory=StandardizeConfig)
    filters: FilterConfig = field(default_factory=FilterConfig)
    captions: CaptionConfig = field(default_factory=CaptionConfig)
    split: SplitConfig = field(default_factory=SplitConfig)


def _paper() -> BuildConfig:
    """Return the values of the paper's chapter 4."""
    return BuildConfig(
        standardize=StandardizeConfig(
            size=SizeConfig(mode="paper", width=512), frames=FrameConfig(choice="random")
        ),
        filters=FilterConfig.paper(),
        captions=CaptionConfig(order="metadata"),
        split=SplitConfig(rule="by_collection", shares=(80, 5, 15)),
    )


def read_families(path: str | Path) -> dict[str, str]:
    """Return the {collection: family} of a JSON file; raise ConfigError when it is none."""
    try:
        families = files.read_json(Path(path))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the families in {path} cannot be read: {error}") from error
    if not isinstance(families, dict) or not all(isinstance(f, str) for f in families.values()):
        raise ConfigError(f"{path} must be JSON of the shape {{collection: family}}")
    return families


PRESETS = {"default": BuildConfig(), "paper": _paper()}

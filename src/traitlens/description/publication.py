"""What only the one who publishes a data set knows of it; a build knows none of this."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from traitlens.errors import ConfigError

# The identifiers of the hub (huggingface.co/docs/hub/repositories-licenses) that are licences for
# data or art, and their pages.
LICENCE_PAGES = {
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "cc-by-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "cc-by-sa-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "cc-by-nd-4.0": "https://creativecommons.org/licenses/by-nd/4.0/",
    "cc-by-nc-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
    "cc-by-nc-sa-4.0": "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    "cc-by-nc-nd-4.0": "https://creativecommons.org/licenses/by-nc-nd/4.0/",
    "mit": "https://spdx.org/licenses/MIT",
    "apache-2.0": "https://spdx.org/licenses/Apache-2.0",
    "unlicense": "https://spdx.org/licenses/Unlicense",
    "gpl-3.0": "https://spdx.org/licenses/GPL-3.0",
}

_URL = re.compile(r"https?://[^\s<>\"'`\\{}|^]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Name, place, date and licence of a published data set, for its card and its Croissant file.

    `licence` is that of the data set as a whole; without one, those that the collections state
    are listed. `published` is a day, "2026-11-21".
    """

    title: str | None = None
    url: str | None = None
    licence: str | None = None
    published: str | None = None

    def __post_init__(self) -> None:
        if self.url is not None and not _URL.fullmatch(self.url):
            raise ConfigError(f"publication.url must begin with https://; got {self.url!r}")
        if self.published is not None and not _is_day(self.published):
            raise ConfigError(
                f"publication.published must be a day such as 2026-11-21; got {self.published!r}"
            )
        for name in ("title", "licence"):
            if getattr(self, name) is not None and not getattr(self, name).strip():
                raise ConfigError(f"publication.{name} must not be empty")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def licence_id(text: str | None) -> str | None:
    """Return the hub's identifier of a licence that is named exactly, else None.

    "CC0-1.0 (repository; art not verified)" names none: what is qualified is not that licence.
    """
    name = (text or "").strip().lower()
    return name if name in LICENCE_PAGES else None

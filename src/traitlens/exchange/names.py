"""Names for files that every file system takes, and that none confuses with another."""

from __future__ import annotations

import re
import unicodedata

MAX_BYTES = 120  # a file system takes 255 of them, and a name gets prefix, number and ending

# Taken as more than a letter by some file system, or by us.
_SPECIAL = frozenset('/\\:*?"<>|~')

# Windows takes none of these, whatever the ending.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def file_name(text: str, *, fallback: str = "unnamed") -> str:
    """Return `text` as part of a file's name, a "-" for each run of what cannot be in one.

    It is not empty, no path, not hidden, and at most `MAX_BYTES` long in UTF-8.
    """
    plain = unicodedata.normalize("NFC", text)
    marked = "".join(c if c.isprintable() and c not in _SPECIAL else "\0" for c in plain)
    name = re.sub("\0+", "-", marked).strip(" .-")
    name = name.encode()[:MAX_BYTES].decode("utf-8", "ignore").strip(" .-") or fallback
    return f"{name}_" if _RESERVED.fullmatch(name) else name


def ascii_name(text: str, *, fallback: str = "unnamed") -> str:
    """Return `text` as a name of ASCII letters, digits, "_" and "-" only."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text)[:60].strip("-") or fallback


class Names:
    """Hands out names that stay apart where upper and lower case are one."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def take(self, name: str) -> str:
        """Return `name`, or `name~2`, `name~3`, … when it was given before."""
        free, number = name, 1
        while free.casefold() in self._given:
            number += 1
            free = f"{name}~{number}"
        self._given.add(free.casefold())
        return free

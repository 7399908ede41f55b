"""When each token was fetched, from where and how quickly: all that may differ between two runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from traitlens.collecting.ledger import cut_torn_line
from traitlens.collecting.taking import Taken


class RunLog:
    """A file of JSON lines that a run adds to; what is left in memory when it is killed is lost."""

    def __init__(self, path: Path) -> None:
        cut_torn_line(path)
        self._file = path.open("ab")

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def started(self, choice: Mapping[str, Any], versions: Mapping[str, str]) -> None:
        """Note that a run begins or is taken up."""
        self._add({"event": "started", **choice, **versions})

    def taken(self, taken: Taken, *, seconds: float) -> None:
        """Note one token: the addresses that its halves came from, the gateway included."""
        line = {
            "token_id": taken.record.token_id,
            "status": taken.record.status,
            "reason": taken.record.reason,
            "detail": taken.detail or None,
            "urls": taken.urls or None,
            "seconds": round(seconds, 3),
        }
        self._add({key: value for key, value in line.items() if value is not None})

    def ended(self, *, seconds: float, requests: Mapping[str, int]) -> None:
        """Note that all is fetched, with the requests that were really sent, by host."""
        sent = dict(sorted(requests.items()))
        self._add({"event": "ended", "seconds": round(seconds, 3), "requests": sent})

    def _add(self, line: Mapping[str, Any]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        text = json.dumps({"at": at, **line}, ensure_ascii=False)
        self._file.write(text.encode("utf-8", "replace") + b"\n")

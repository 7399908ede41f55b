"""img2dataset's resizer, timed within its own environment; `standardizing.py` talks to it.

Run by the interpreter that has img2dataset. A line on stdin is a job, as JSON:
{"level": 1, "files": [{"path": "...", "out": null, "mode": "keep_ratio", "upscale": "lanczos"}]}.
A line on stdout is its answer: [{"seconds": 0.01, "bytes": 9000, "error": null}]. Files are read
before the clock runs, and written to `out`, where that is a path, after it.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
WIDTH = 512


def main() -> None:
    """Answer until stdin ends."""
    from img2dataset.resizer import Resizer  # type: ignore[import-not-found, unused-ignore]

    made: dict[tuple[Any, ...], Any] = {}
    for line in sys.stdin:
        job = json.loads(line)
        answers = []
        for one in job["files"]:
            key = (job["level"], one["mode"], one["upscale"])
            if key not in made:
                made[key] = Resizer(
                    image_size=WIDTH,
                    resize_mode=one["mode"],
                    resize_only_if_bigger=False,
                    upscale_interpolation=one["upscale"],
                    encode_quality=job["level"],
                    encode_format="png",
                )
            answers.append(_answer(made[key], one))
        print(json.dumps(answers), flush=True)


def _answer(resizer: Any, one: dict[str, Any]) -> dict[str, Any]:
    stream = io.BytesIO(Path(one["path"]).read_bytes())
    start = time.process_time()
    png, _, _, _, _, error = resizer(stream)
    seconds = time.process_time() - start
    if png and one["out"]:
        Path(one["out"]).write_bytes(png)
    return {"seconds": seconds, "bytes": len(png or b""), "error": error}


if __name__ == "__main__":
    main()

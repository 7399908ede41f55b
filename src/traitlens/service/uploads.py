"""Pictures that visitors send are decoded where a decoder can be killed."""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from traitlens.errors import QueryError
from traitlens.standardization import Limits, Picture, StandardizeConfig
from traitlens.standardization.guard import GuardedStandardizer

# A visitor waits, and so do those behind; the defaults are for a build.
_LIMITS = Limits(timeout_s=10.0, max_pixels=40_000_000)


class Uploads:
    """Decodes one picture after another in a child process."""

    def __init__(self, *, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._guard = GuardedStandardizer(StandardizeConfig(limits=_LIMITS))
        self._thread = ThreadPoolExecutor(1)  # the guard is for one thread

    async def picture(self, data: bytes) -> Image.Image:
        """Return the picture in some bytes; raise QueryError for what is none."""
        if len(data) > self.max_bytes:
            raise QueryError(f"the picture has {len(data)} bytes; {self.max_bytes} are accepted")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._decoded, data)

    def close(self) -> None:
        """End the child process, after the picture that it is at work with."""
        self._thread.shutdown(cancel_futures=True)
        self._guard.close()

    def _decoded(self, data: bytes) -> Image.Image:
        (answer,) = self._guard.pictures([(data, "upload")])
        if not isinstance(answer, Picture):
            raise QueryError(f"the picture cannot be searched with: {answer.reason}")
        return Image.open(io.BytesIO(answer.png)).copy()

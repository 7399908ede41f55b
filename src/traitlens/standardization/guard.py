"""Decoders run where they can be killed.

    with GuardedStandardizer(config) as guard:
        for answer in guard.pictures((media, token_uid) for ...):

A decoder is C or Rust code that reads what a stranger wrote. It runs in a child process, which may
hang, crash or ask for all memory: that costs one row, and nothing else. The child is sent batches,
reads each one whole and then answers file by file, so that neither side ever waits for the other to
read. The file it fails on is tried once more, alone in a new child; only then is it rejected. So
what becomes of a file depends neither on the files beside it nor on a moment's load.

Nothing that the child sends is believed: an answer is a bounded header of JSON and PNG bytes, which
are checked down to each chunk, and nothing is unpickled. A decoder that is taken over can spoil the
pictures it is still asked for, and cannot reach the process that asks. It is not cut off from the
network or from reading files; where that matters, build in a container.

What is held where: the time and the crash on every POSIX system, memory where the system holds a
process to its address space (Linux; macOS does not). Windows has none of these limits: there a
crash costs one row, and a decoder that hangs is waited for.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from traitlens.config import to_dict
from traitlens.standardization.guard_child import EXIT_OUT_OF_MEMORY, READY
from traitlens.standardization.guard_messages import Media, block, files_message, read_answer
from traitlens.standardization.picture import Picture, Rejection

if TYPE_CHECKING:
    from traitlens.standardization import StandardizeConfig

TIMED_OUT = Rejection("decoder timed out")
CRASHED = Rejection("decoder crashed")
OUT_OF_MEMORY = Rejection("decoder out of memory")

BATCH_FILES = 64
BATCH_BYTES = 4 * 2**20
START_TIMEOUT_S = 120.0  # to import the decoders, on a busy machine
GRACE_S = 2.0  # a child ends itself when a file's time is over, and is killed this much later

_CHILD = "from traitlens.standardization.guard_child import serve; serve()"
# What Python and the libraries need to be found by; nothing else is handed on.
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "SYSTEMROOT")
_SET_VARIABLES = {
    # Idle threads and malloc's arenas take address space, by the core.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    # Pixels in memory that is fresh from the system cost a fifth of the time; glibc may keep it.
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 2**20),
}
_MEMORY_WORDS = re.compile(rb"memory allocation of|bad_alloc|MemoryError|out of memory", re.I)


class GuardedStandardizer:
    """Standardizes files in a child process, of which there is one at a time.

    A context manager for one thread. The child is started by the first file and is gone after the
    block or `close`; it also ends by itself when this process is killed. Raises ChildProcessError
    when it cannot be started at all, which no file can cause.
    """

    def __init__(self, config: StandardizeConfig, *, _child: str = _CHILD) -> None:
        self._config = config
        self._code = _child
        self._child: _Child | None = None

    def __enter__(self) -> GuardedStandardizer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child, if there is one. The next file starts another."""
        if self._child is not None:
            self._child.end()
            self._child = None

    @property
    def child_pid(self) -> int | None:
        """The process that decodes now, if there is one: for those who watch what it takes."""
        return self._child.pid if self._child else None

    def pictures(self, media: Iterable[Media]) -> Iterator[Picture | Rejection]:
        """Yield one answer for each (file, key), in their order.

        Up to two batches of `BATCH_FILES` files or `BATCH_BYTES` bytes are read ahead. A file whose
        decoder hangs, crashes or wants too much memory is `TIMED_OUT`, `CRASHED` or
        `OUT_OF_MEMORY`; every other answer is that of `standardize`.
        """
        batches = _batches(media, max_bytes=self._config.limits.max_bytes)
        batch = next(batches, None)
        while batch:
            waiting = deque(batch)
            try:
                self._send(waiting)
                batch = next(batches, None)  # read while the child is at work
                while waiting:
                    yield self._next_answer(waiting)
            finally:
                if waiting:  # else its answers would be taken for those of other files
                    self.close()

    def _next_answer(self, waiting: deque[Media]) -> Picture | Rejection:
        """Return the answer for the first of the files that wait, and strike it off."""
        assert self._child is not None
        answer = self._child.answer()
        if not self._child.dead:
            waiting.popleft()
            return answer
        answer = self._answer_alone(waiting[0])
        waiting.popleft()
        if waiting:
            self._send(waiting)
        return answer

    def _answer_alone(self, file: Media) -> Picture | Rejection:
        """Return what a new child says of the file that the last one failed on."""
        return self._send([file]).answer()

    def _send(self, files: Iterable[Media]) -> _Child:
        if self._child is None or self._child.dead:
            self._child = _Child(self._config, self._code)
        self._child.send(tuple(files))
        return self._child


def _batches(media: Iterable[Media], *, max_bytes: int) -> Iterator[list[Media]]:
    """Yield runs of files; of one that is too large only as much as shows that it is."""
    batch: list[Media] = []
    size = 0
    for file, key in media:
        batch.append((file[: max_bytes + 1], key))
        size += len(batch[-1][0])
        if len(batch) == BATCH_FILES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Child:
    """One child process, as its parent sees it. Once `dead` it is good for nothing."""

    def __init__(self, config: StandardizeConfig, code: str) -> None:
        self.dead = False
        self._config = config
        self._process = _start(code)
        self._pipes = _Pipes(self._process)
        try:
            self._greet()
        except BaseException:
            self.end()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def _greet(self) -> None:
        """Hand over the config and wait until the decoders are there."""
        config = json.dumps(to_dict(self._config)).encode()
        self._pipes.begin(START_TIMEOUT_S)
        try:
            self._pipes.write(block(config))
            ready = self._pipes.read(len(READY)) == READY
        except (EOFError, TimeoutError):
            ready = False
        if not ready:
            self._process.kill()
            words = self._pipes.last_words().decode(errors="replace").strip()
            raise ChildProcessError(f"no process to decode in could be started: {words[-500:]}")

    def send(self, files: Sequence[Media]) -> None:
        """Hand over a batch. That the child is gone shows when it is asked for an answer."""
        self._pipes.begin(START_TIMEOUT_S)
        try:
            self._pipes.write(files_message(files))
        except (EOFError, TimeoutError):
            self._process.kill()

    def answer(self) -> Picture | Rejection:
        """Return the answer for the next file; when there is none, how the child died."""
        self._pipes.begin(self._config.limits.timeout_s + GRACE_S)
        try:
            return read_answer(self._pipes.read, self._config)
        except TimeoutError:
            failure = TIMED_OUT
        except ValueError:
            failure = CRASHED  # what it says is no answer: it is not itself any more
        except EOFError:
            failure = self._last_failure()
        self.end()
        return failure

    def _last_failure(self) -> Rejection:
        """Return what a child that closed its pipe died of."""
        try:
            code = self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            return CRASHED
        if -code == getattr(signal, "SIGALRM", None):
            return TIMED_OUT
        # A kill that is not ours is the system's, when memory runs short.
        if code == EXIT_OUT_OF_MEMORY or -code == getattr(signal, "SIGKILL", None):
            return OUT_OF_MEMORY
        return OUT_OF_MEMORY if _MEMORY_WORDS.search(self._pipes.last_words()) else CRASHED

    def end(self) -> None:
        """Kill the child and close what led to it."""
        self.dead = True
        self._process.kill()
        self._process.wait()
        self._pipes.close()


def _start(code: str) -> subprocess.Popen[bytes]:
    """Start Python on `code`, with this one's modules and next to none of its environment.

    A new interpreter rather than `multiprocessing`: that would import the caller's main module
    again, cannot start a child in a pool's worker, and pickles.
    """
    paths = [str(Path(entry).absolute()) for entry in sys.path]
    code = f"import sys; sys.path[:] = sys.argv[1:]; {code}"
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-s", "-P", "-c", code, *paths],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd=Path(sys.executable).anchor,
        env=kept | _SET_VARIABLES,
    )


class _Pipes:
    """A child's pipes, read and written with a deadline, whoever holds their other ends."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self._files = (process.stdin, process.stdout, process.stderr)
        self._in, self._out, self._err = (file.fileno() for file in self._files)
        self._buffer = bytearray()
        self._end_s = 0.0
        if os.name == "posix":  # Windows has no way to wait for a pipe
            os.set_blocking(self._in, False)
            os.set_blocking(self._err, False)
            self._writable, self._readable = select.poll(), select.poll()
            self._writable.register(self._in, select.POLLOUT)
            self._readable.register(self._out, select.POLLIN)

    def begin(self, timeout_s: float) -> None:
        """Let the reads and writes from now on end in TimeoutError after `timeout_s`."""
        self._end_s = time.monotonic() + timeout_s

    def write(self, data: bytes) -> None:
        """Write all of `data`, or raise EOFError where nobody reads it."""
        rest = memoryview(data)
        while rest:
            self._wait_for("writable")
            try:
                rest = rest[os.write(self._in, rest) :]
            except BrokenPipeError:
                raise EOFError from None

    def read(self, count: int) -> bytes:
        """Return `count` bytes, or raise EOFError where they end before."""
        while len(self._buffer) < count:
            self._wait_for("readable")
            chunk = os.read(self._out, 2**16)  # what a pipe holds
            if not chunk:
                raise EOFError
            self._buffer += chunk
        data = bytes(memoryview(self._buffer)[:count])
        del self._buffer[:count]
        return data

    def _wait_for(self, ready: str) -> None:
        if os.name != "posix":
            return
        left_s = self._end_s - time.monotonic()
        poll = self._writable if ready == "writable" else self._readable
        if left_s <= 0 or not poll.poll(1000 * left_s):
            raise TimeoutError

    def last_words(self) -> bytes:
        """What a dead child wrote to its standard error, as far as a pipe holds it."""
        try:
            return os.read(self._err, 2**20)
        except (BlockingIOError, OSError):
            return b""

    def close(self) -> None:
        for file in self._files:
            file.close()

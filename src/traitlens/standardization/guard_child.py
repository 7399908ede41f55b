"""The process that decodes: it limits itself, answers file by file, and ends when no more come."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import is_dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, get_type_hints

from traitlens.standardization.guard_messages import answer_parts, read_block, read_files
from traitlens.standardization.limits import Limits
from traitlens.standardization.picture import Picture, Rejection

READY = b"ready\n"
EXIT_OUT_OF_MEMORY = 77
# Address space for libraries that are loaded late, for threads, and for the files that wait
ROOM_BYTES = 512 * 2**20
MAX_OPEN_FILES = 64

Config = TypeVar("Config")


def serve(standardize: Callable[..., Picture | Rejection] | None = None) -> None:
    """Answer the files that come in, by `standardize`, and return when no more come.

    The first message is the config. When a file's time is over the process is ended by its alarm,
    and so it does not outlive a parent that was killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when it is over
    inbox, outbox = _private_pipes()
    import traitlens.standardization as package
    from traitlens.standardization.svg import text_font

    config = rebuilt(package.StandardizeConfig, json.loads(read_block(inbox.read)))
    answer = standardize or package.standardize
    text_font()
    _limit_this_process(config.limits)
    outbox.write(READY)
    outbox.flush()
    try:
        while inbox.peek(1):
            _answer_batch(inbox, outbox, partial(answer, config=config), config.limits)
    except MemoryError:
        os._exit(EXIT_OUT_OF_MEMORY)
    except BrokenPipeError:
        os._exit(0)  # the parent is gone


def _private_pipes() -> tuple[Any, BinaryIO]:
    """Return the pipes from and to the parent, and let nothing else read or write them.

    What a library prints would be taken for an answer. It goes to the pipe for errors, of which the
    parent reads the beginning at the end: when that is full the rest is lost, and nobody waits.
    """
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    if os.name == "posix":
        os.set_blocking(2, False)
    else:
        os.dup2(nothing, 2)
    os.dup2(2, 1)
    return inbox, outbox


def rebuilt(kind: type[Config], values: dict[str, Any]) -> Config:
    """Return the config dataclass that `config.to_dict` made `values` of."""
    hints = get_type_hints(kind)
    return kind(
        **{
            name: rebuilt(hints[name], value) if is_dataclass(hints[name]) else value
            for name, value in values.items()
        }
    )


def _limit_this_process(limits: Limits) -> None:
    """Bound what decoders may take; a system that has one of the limits not goes without it."""
    try:
        import resource
    except ImportError:  # Windows
        return
    memory = _address_space_bytes() + ROOM_BYTES + limits.max_memory_bytes
    _lower(resource.RLIMIT_AS, memory)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    _lower(resource.RLIMIT_CORE, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _lower(kind: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with suppress(ValueError, OSError):  # macOS refuses an address space below what is mapped
        resource.setrlimit(kind, (value, value))


def _address_space_bytes() -> int:
    """Return what the process has mapped, or its largest resident size where that is not told."""
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
    return pages * resource.getpagesize()


def _answer_batch(
    inbox: BinaryIO,
    outbox: BinaryIO,
    answer: Callable[..., Picture | Rejection],
    limits: Limits,
) -> None:
    files = read_files(inbox.read)[::-1]
    while files:
        media, key = files.pop()
        _set_alarm(limits.timeout_s)
        answered = answer(media, key=key)
        _set_alarm(0)
        outbox.writelines(answer_parts(answered))
        outbox.flush()


def _set_alarm(seconds: float) -> None:
    """Let the system end this process in `seconds`, or with 0 no longer do so."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)

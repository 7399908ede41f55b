"""A decoder that hangs, crashes or wants all memory costs one row, whatever stands beside it.

The poisons are played by a child's own `standardize`, since what makes a real decoder crash is
mended when it is found. `benchmarks/mutated_media.py` looks for more.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import png
from tests.standardization.mutations import mutated
from tests.standardization.samples import sample_media
from traitlens.processes import process_pool
from traitlens.standardization import (
    Limits,
    Picture,
    Rejection,
    StandardizeConfig,
    standardize,
)
from traitlens.standardization.guard import (
    BATCH_FILES,
    CRASHED,
    OUT_OF_MEMORY,
    TIMED_OUT,
    GuardedStandardizer,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the limits are those of POSIX")

# A child whose decoder does what the file says, where it says something.
POISONED = """
import os, resource, signal, sys, time
from traitlens.standardization import Rejection, standardize
from traitlens.standardization.guard_child import serve

def crash(): os.kill(os.getpid(), signal.SIGSEGV)
def slumber(): time.sleep(1000)
def spin():
    while True: pass
def deaf():
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    time.sleep(1000)
def fork():
    if os.fork() == 0: time.sleep(5)
    os._exit(1)
def fill(): bytes(2**40)
def rust():
    print("memory allocation of 123 bytes failed", file=sys.stderr, flush=True)
    os.abort()
def killed(): os.kill(os.getpid(), signal.SIGKILL)
def blunder(): raise RuntimeError("a decoder's unknown exception")
def babble():
    try: os.write(1, bytes(2**20)), os.write(2, bytes(2**20))
    except BlockingIOError: pass

def poisoned(media, config, *, key):
    if media.startswith(b"stumble"):
        try: os.mkdir(key)
        except FileExistsError: return Rejection("came back")
        globals()[media.split()[1].decode()]()
    if media == b"tell": return Rejection(ascii(eval(key)))
    if media.isalpha(): globals()[media.decode()]()
    return standardize(media, config, key=key)

serve(poisoned)
"""
CONFIG = StandardizeConfig(limits=Limits(timeout_s=0.4, max_memory_bytes=2**26))
GOOD = [png(Image.new("RGB", (4, 3), (shade, 0, 0))) for shade in range(0, 250, 10)]
DEATHS = {
    b"crash": CRASHED,
    b"blunder": CRASHED,
    b"spin": TIMED_OUT,
    b"fill": OUT_OF_MEMORY,
    b"rust": OUT_OF_MEMORY,
    b"killed": OUT_OF_MEMORY,
}


def answers(files: list[bytes], *, child: str = POISONED) -> list[Picture | Rejection]:
    with GuardedStandardizer(CONFIG, _child=child) as guard:
        return list(guard.pictures((file, str(n)) for n, file in enumerate(files)))


def told(expression: str) -> str:
    """Return what an expression is in the child."""
    with GuardedStandardizer(CONFIG, _child=POISONED) as guard:
        (answer,) = guard.pictures([(b"tell", expression)])
    assert isinstance(answer, Rejection)
    return answer.reason


def test_answers_are_those_of_standardize_in_order() -> None:
    files = [*GOOD, b"", b"no picture", GOOD[0][:50]] * 4
    assert len(files) > BATCH_FILES
    with GuardedStandardizer(StandardizeConfig()) as guard:
        guarded = list(guard.pictures((file, "key") for file in files))
    assert guarded == [standardize(file, StandardizeConfig(), key="key") for file in files]


def test_a_poisonous_file_costs_its_own_row_and_says_why() -> None:
    first, *others = DEATHS
    files = [first, *GOOD[:2], *others, *GOOD[2:4], first]
    assert answers(files) == [DEATHS.get(file) or standardize(file, CONFIG) for file in files]


@pytest.mark.parametrize("files", [[b"crash"], [*GOOD * 3, b"crash", GOOD[0]]])
def test_what_becomes_of_a_file_is_the_same_in_every_run(files: list[bytes]) -> None:
    expected = [DEATHS.get(file) or standardize(file, CONFIG) for file in files]
    assert answers(files) == answers(files) == expected


@pytest.mark.parametrize("stumble", [b"stumble crash", b"stumble spin"])
def test_a_file_that_fails_once_and_then_not_is_answered(stumble: bytes, tmp_path: Path) -> None:
    with GuardedStandardizer(CONFIG, _child=POISONED) as guard:
        media = [(GOOD[0], "a"), (stumble, str(tmp_path / "been")), (GOOD[1], "b")]
        first, second, third = guard.pictures(media)
    assert second == Rejection("came back")
    assert isinstance(first, Picture)
    assert isinstance(third, Picture)


@pytest.mark.parametrize("poison", [b"deaf", b"fork"])  # the fork holds on to the pipes
def test_a_decoder_that_is_taken_over_holds_nobody_up(
    poison: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traitlens.standardization.guard.GRACE_S", 0.2)
    first, answer, last = answers([GOOD[0], poison, GOOD[1]])
    assert answer == TIMED_OUT
    assert isinstance(first, Picture)
    assert isinstance(last, Picture)


@pytest.mark.parametrize(("said", "failure"), [("bytes(99)", CRASHED), ("b''", TIMED_OUT)])
def test_a_child_that_talks_nonsense_is_a_decoder_that_failed(
    said: str, failure: Rejection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traitlens.standardization.guard.GRACE_S", 0.2)
    child = f"""
import traitlens.standardization.guard_child as child
child.answer_parts = lambda answer: [{said}]
child.serve()
"""
    assert answers(GOOD[:1], child=child) == [failure]


def test_what_a_decoder_prints_is_no_answer_and_holds_nobody_up() -> None:
    assert answers([b"babble", GOOD[0]]) == [
        standardize(b"babble", CONFIG),
        standardize(GOOD[0], CONFIG),
    ]


def test_a_child_that_cannot_start_is_an_error_that_says_what_it_said() -> None:
    with pytest.raises(ChildProcessError, match="nothing of this name"):
        answers(GOOD[:1], child="raise SystemExit('nothing of this name')")


def test_a_file_beyond_the_limit_is_rejected_and_not_sent_whole() -> None:
    config = StandardizeConfig(limits=Limits(max_bytes=1000))
    child = """
from traitlens.standardization import Rejection
from traitlens.standardization.guard_child import serve
serve(lambda media, config, *, key: Rejection(str(len(media))))
"""
    with GuardedStandardizer(config, _child=child) as guard:
        assert list(guard.pictures([(b"7" * 5000, "")])) == [Rejection("1001")]
    with GuardedStandardizer(config) as guard:
        assert list(guard.pictures([(b"7" * 5000, "")])) == [Rejection("media too large")]


def test_files_are_read_no_further_than_two_batches_ahead() -> None:
    taken: list[int] = []

    def files() -> Iterator[tuple[bytes, str]]:
        for number in range(5 * BATCH_FILES):
            taken.append(number)
            yield GOOD[0], ""

    with GuardedStandardizer(CONFIG) as guard:
        next(iter(guard.pictures(files())))
        assert len(taken) == 2 * BATCH_FILES


def test_a_stream_that_was_left_does_not_answer_the_next() -> None:
    with GuardedStandardizer(CONFIG) as guard:
        next(iter(guard.pictures((file, "") for file in GOOD)))
        assert list(guard.pictures([(GOOD[7], "")])) == [standardize(GOOD[7], CONFIG)]


def test_an_error_of_the_source_reaches_the_caller_and_the_guard_goes_on() -> None:
    def broken() -> Iterator[tuple[bytes, str]]:
        yield from ((file, "") for file in GOOD * 3)
        raise OSError("the disk is gone")

    with GuardedStandardizer(CONFIG) as guard:
        with pytest.raises(OSError, match="the disk is gone"):
            list(guard.pictures(broken()))
        assert list(guard.pictures([(GOOD[7], "")])) == [standardize(GOOD[7], CONFIG)]


def test_no_file_starts_no_child() -> None:
    with GuardedStandardizer(CONFIG) as guard:
        assert list(guard.pictures([])) == []
        assert guard.child_pid is None


def test_the_block_leaves_no_child_and_the_guard_can_be_used_again() -> None:
    with GuardedStandardizer(CONFIG) as guard:
        list(guard.pictures([(GOOD[0], "")]))
        child = guard.child_pid or 0
        assert is_running(child)
    assert not is_running(child)
    with guard:
        assert list(guard.pictures([(GOOD[7], "")])) == [standardize(GOOD[7], CONFIG)]


def test_the_key_reaches_the_child() -> None:
    assert told("key") == "'key'"


def test_the_child_knows_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "secret")
    assert told("('API_TOKEN' in os.environ, len(os.environ) < 10)") == "(False, True)"


def test_the_child_inherits_no_open_file(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        number = os.fstat(file.fileno()).st_ino
        fds = "[n for n in range(64) if os.path.exists(f'/dev/fd/{n}')]"
        found = told(f"[n for n in {fds} if os.fstat(n).st_ino == {number}]")
    assert found == "[]"


@pytest.mark.parametrize(
    ("limit", "value"), [("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0), ("RLIMIT_NOFILE", 64)]
)
def test_the_child_cannot_raise_its_limits(limit: str, value: int) -> None:
    assert told(f"resource.getrlimit(resource.{limit})") == str((value, value))


@pytest.mark.skipif(sys.platform != "linux", reason="others do not hold the address space")
def test_the_child_has_the_memory_of_its_config_and_a_fixed_room_beyond_its_own() -> None:
    mapped = "int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()"
    left = int(told(f"resource.getrlimit(resource.RLIMIT_AS)[0] - {mapped}"))
    assert 0.9 < left / (2**26 + 512 * 2**20) <= 1


def test_the_child_writes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "written"
    assert told(f"open({str(path)!r}, 'wb', buffering=0).write(b'x')") == CRASHED.reason
    assert path.stat().st_size == 0


def test_mutated_files_of_every_format_get_an_answer_each_and_kept_ones_are_sound() -> None:
    sound = sample_media()
    kinds = sorted({name.partition("/")[0] for name in sound})
    media = []
    for number in range(240):
        kind, rng = kinds[number % len(kinds)], np.random.default_rng([7, number])
        variants = [file for name, file in sound.items() if name.startswith(f"{kind}/")]
        start = variants[rng.integers(len(variants))]
        media.append((mutated(kind, start, others=variants, rng=rng), str(number)))
    with GuardedStandardizer(StandardizeConfig(limits=Limits(max_memory_bytes=2**28))) as guard:
        found = list(guard.pictures(media))
    kept = [answer for answer in found if isinstance(answer, Picture)]
    assert len(found) == len(media)
    assert 40 < len(kept) < 200
    for picture in kept:
        with Image.open(io.BytesIO(picture.png)) as image:
            assert image.convert("RGBA").size == (picture.width, picture.height)


def kept_of_two(_: int = 0) -> list[bool]:
    """Return which of a picture and a poisonous file are pictures, as a worker sees it."""
    return [isinstance(answer, Picture) for answer in answers([GOOD[0], b"crash"])]


def test_it_works_in_the_worker_of_a_pool() -> None:
    with process_pool(1) as pool:
        assert pool.submit(kept_of_two).result() == [True, False]


# Scripts without `if __name__ == "__main__"`, as a notebook is one
SCRIPT = f"""
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job has it ignored
from traitlens.standardization import Limits, StandardizeConfig
from traitlens.standardization.guard import GuardedStandardizer
config = StandardizeConfig(limits=Limits(timeout_s=0.4))
guard = GuardedStandardizer(config, _child={POISONED!r})
"""


def started(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT + script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def is_running(pid: int) -> bool:
    """Return whether a process is there and no mere entry that nobody has read yet."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:
        return sys.platform != "linux"


def wait_for_end(pid: int) -> None:
    end = time.monotonic() + 60
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not is_running(pid)


def test_it_works_in_a_script_that_guards_nothing() -> None:
    script = started("with guard: print([type(a).__name__ for a in guard.pictures([(b'', '')])])")
    assert script.communicate(timeout=60) == ("['Rejection']\n", "")


@pytest.mark.parametrize("busy", ["", "; next(guard.pictures([(b'spin', '')]))"])
def test_the_child_of_a_killed_process_ends_by_itself(busy: str) -> None:
    script = started(f"""
list(guard.pictures([(b"", "")]))
print(guard.child_pid, flush=True){busy}
time.sleep(60)
""")
    assert script.stdout
    child = int(script.stdout.readline())
    assert is_running(child)
    script.kill()
    script.communicate(timeout=60)
    wait_for_end(child)


def test_an_interrupt_at_the_terminal_ends_both_and_the_child_says_nothing() -> None:
    script = started("""
config = StandardizeConfig(limits=Limits(timeout_s=60))
try:
    with GuardedStandardizer(config, _child=guard._code) as guard:
        for answer in guard.pictures([(b"", ""), (b"slumber", "")]):
            print(guard.child_pid, flush=True)
except KeyboardInterrupt:
    print("stopped")
""")
    assert script.stdout
    child = int(script.stdout.readline())
    os.killpg(script.pid, signal.SIGINT)
    assert script.communicate(timeout=60) == ("stopped\n", "")
    assert not is_running(child)

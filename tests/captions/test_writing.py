"""A run of captions can be killed, gone on with and checked, and pays for nothing twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.captions.chat_server import Answer, Fault, chat_server, data_of, failed, honest, said
from tests.helpers import drawn_dataset
from traitlens import files
from traitlens.captions import (
    EndpointConfig,
    OpenAIWriter,
    Reply,
    Request,
    WritingConfig,
    WritingReport,
    caption,
    forget_captions,
    write_captions,
    written_captions,
    written_names,
)
from traitlens.captions.written import only_writer
from traitlens.errors import ConfigError, DatasetError, ModelError
from traitlens.records import Trait
from traitlens.store import Dataset

Says = Callable[[Request], Reply]


def honestly(request: Request) -> Reply:
    return Reply(caption=caption(request.collection, request.traits).text, prompt_tokens=10)


class Writer:
    """A writer without a model: it says what it is told to, and notes what it was asked."""

    def __init__(self, says: Says = honestly, *, batch: int = 2, model: str = "m") -> None:
        self.asked: list[Request] = []
        self.batch = batch
        self._says, self._model = says, model

    def describe(self) -> dict[str, Any]:
        return {"kind": "test", "model": self._model}

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for request in requests:
            self.asked.append(request)
            yield self._says(request)


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return drawn_dataset(tmp_path / "data", {"robots": 21, "owls": 5})


def write(data: Dataset, writer: Writer, **options: Any) -> WritingReport:
    names = ("limit", "seed", "attempts", "pictures")
    config = WritingConfig(**{key: options.pop(key) for key in names if key in options})
    return write_captions(data, writer, name="gpt", config=config, **options)


def lines(data: Dataset, collection: str = "robots") -> list[dict[str, Any]]:
    file = data.path / "captions/gpt" / f"{collection}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()]


def uids(data: Dataset, collection: str = "robots") -> list[str]:
    return [token.token_uid for token in data.tokens(collections=[collection])]


def test_every_kept_token_gets_a_line_in_the_data_sets_order(data: Dataset) -> None:
    report = write(data, Writer())
    assert [line["token_uid"] for line in lines(data)] == uids(data)
    assert [row.statuses["ok"] for row in report.collections] == [21, 5]
    token = next(iter(data.tokens(collections=["robots"])))
    assert lines(data)[0] == {
        "token_uid": token.token_uid,
        "caption": caption("robots", token.traits).text,
        "status": "ok",
        "dropped": [],
        "invented": [],
        "attempts": 1,
        "prompt_tokens": 10,
        "caption_tokens": 0,
    }


def test_what_is_written_is_read_back_by_token(data: Dataset) -> None:
    write(data, Writer())
    read = written_captions(data.path, "gpt", "robots")
    assert list(read) == uids(data)
    assert written_names(data.path) == ("gpt",)
    assert written_captions(data.path, "gpt", "nothing such") == {}
    with pytest.raises(DatasetError, match="no captions called 'gtp'; it has gpt"):
        written_captions(data.path, "gtp", "robots")


def test_a_second_run_asks_about_nothing_and_changes_no_byte(data: Dataset) -> None:
    write(data, Writer())
    before = (data.path / "captions/gpt/robots.jsonl").read_bytes()
    again = Writer()
    report = write(data, again)
    assert again.asked == []
    assert [row.asked for row in report.collections] == [0, 0]
    assert (data.path / "captions/gpt/robots.jsonl").read_bytes() == before


def test_a_caption_that_drops_and_invents_is_asked_for_again_and_told_why(data: Dataset) -> None:
    def at_second(request: Request) -> Reply:
        if request.mistakes:
            return honestly(request)
        return Reply(caption="a robot with a zip & co <b> pin", prompt_tokens=10)

    writer = Writer(at_second)
    write(data, writer, collections=["robots"])
    assert {line["status"] for line in lines(data)} == {"ok"}
    assert {line["attempts"] for line in lines(data)} == {2}
    assert {line["prompt_tokens"] for line in lines(data)} == {20}, "both are paid for"
    told = [request.mistakes for request in writer.asked if request.mistakes]
    assert all("leaves out Background=" in text for text in told)


def test_a_caption_that_stays_wrong_is_kept_and_marked(data: Dataset) -> None:
    def wrong(request: Request) -> Reply:
        pins = [trait for trait in request.traits if trait.trait_type != "Pin"]
        return Reply(caption=f"{caption('robots', pins[1:]).text} and a moon pin")

    write(data, Writer(wrong), collections=["robots"])
    for token, line in zip(data.tokens(collections=["robots"]), lines(data), strict=True):
        background = token.traits[0]
        assert [background.trait_type, background.value] in line["dropped"]
        has_moon = Trait("Pin", "Moon") in token.traits
        assert line["invented"] == ([] if has_moon else [["Pin", "Moon"]])
        assert line["status"] == ("dropped" if has_moon else "both")


def test_the_better_of_two_captions_is_kept(data: Dataset) -> None:
    def worse(request: Request) -> Reply:
        if request.mistakes:
            return Reply(caption="")
        return Reply(caption=caption("robots", request.traits[:-1]).text)

    write(data, Writer(worse), collections=["robots"])
    assert all(line["caption"] for line in lines(data))
    assert all(len(line["dropped"]) == 1 for line in lines(data))


def test_a_failed_token_says_why_and_is_asked_about_in_the_next_run(data: Dataset) -> None:
    goes_well = iter([True, False])

    def stumbles(request: Request) -> Reply:
        return honestly(request) if next(goes_well, True) else Reply(problem="no")

    write(data, Writer(stumbles))
    assert lines(data)[1] | {"token_uid": ""} == {
        "token_uid": "",
        "caption": "",
        "status": "failed",
        "dropped": [],
        "invented": [],
        "attempts": 1,
        "prompt_tokens": 0,
        "caption_tokens": 0,
        "problem": "no",
    }
    again = Writer()
    report = write(data, again)
    assert len(again.asked) == 1
    assert report.total("failed") == 0
    assert [line["token_uid"] for line in lines(data)] == uids(data), "each token once"


def test_a_run_that_breaks_off_keeps_what_it_has_and_the_next_asks_only_the_rest(
    data: Dataset,
) -> None:
    calls = []

    def breaks(request: Request) -> Reply:
        calls.append(request)
        if len(calls) == 11:
            raise ModelError("the endpoint is gone")
        return honestly(request)

    with pytest.raises(ModelError):
        write(data, Writer(breaks))
    assert len(lines(data)) == 10, "even of the chunk that was not finished"
    rest = Writer()
    write(data, rest)
    assert len(rest.asked) == 26 - 10
    whole = drawn_dataset(data.path.parent / "other", {"robots": 21, "owls": 5})
    write(whole, Writer())
    assert lines(data) == lines(whole)


def test_a_line_that_a_kill_tore_off_is_cut_away_and_asked_again(data: Dataset) -> None:
    write(data, Writer())
    file = data.path / "captions/gpt/robots.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    assert len(written_captions(data.path, "gpt", "robots")) == 20, "a reader skips it"
    again = Writer()
    write(data, again)
    assert len(again.asked) == 1
    assert file.read_bytes() == whole


def test_garbage_between_the_lines_does_no_harm(data: Dataset) -> None:
    write(data, Writer())
    file = data.path / "captions/gpt/robots.jsonl"
    whole = file.read_bytes().splitlines(keepends=True)
    garbage = [b"[]\n", b"\xff\xfe\n", b'{"token_uid": 1}\n', b"[" * 9999 + b"\n"]
    file.write_bytes(b"".join([*whole[:5], *garbage, *whole[5:]]))
    write(data, Writer())
    assert file.read_bytes() == b"".join(whole)


def test_a_higher_limit_keeps_the_tokens_of_a_lower_one(data: Dataset) -> None:
    write(data, Writer(), limit=4)
    few = set(written_captions(data.path, "gpt", "robots"))
    assert len(few) == 4
    more = Writer()
    write(data, more, limit=9)
    many = list(written_captions(data.path, "gpt", "robots"))
    assert few < set(many)
    assert len(many) == 9
    assert many == [uid for uid in uids(data) if uid in many], "in the data set's order"


def test_another_seed_draws_other_tokens(data: Dataset) -> None:
    write(data, Writer(), limit=4)
    first = set(written_captions(data.path, "gpt", "robots"))
    other = drawn_dataset(data.path.parent / "other", {"robots": 21, "owls": 5})
    write(other, Writer(), limit=4, seed=1)
    assert set(written_captions(other.path, "gpt", "robots")) != first


def test_pictures_are_shown_only_when_they_are_asked_for(data: Dataset) -> None:
    without, shown = Writer(), Writer()
    write(data, without, limit=1)
    write(data, shown, limit=1, pictures=True, replace=True)
    assert [request.picture for request in without.asked] == [None, None]
    assert all(request.picture and request.picture[1:4] == b"PNG" for request in shown.asked)


def test_another_writers_captions_are_only_replaced_when_told_so(data: Dataset) -> None:
    write(data, Writer())
    other = Writer(model="another")
    with pytest.raises(DatasetError, match="another writer"):
        write(data, other)
    write(data, other, replace=True, collections=["owls"])
    assert len(other.asked) == 5
    assert written_captions(data.path, "gpt", "robots") == {}, "nothing of the old is left"


def test_a_folder_that_holds_something_else_is_never_touched(data: Dataset) -> None:
    files.write_text(data.path / "captions/gpt/mine.txt", "precious")
    with pytest.raises(DatasetError, match="no captions"):
        write(data, Writer(), replace=True)
    assert (data.path / "captions/gpt/mine.txt").read_text() == "precious"


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "plain", "x" * 65, "a b"])
def test_a_name_that_names_no_folder_is_refused(data: Dataset, name: str) -> None:
    with pytest.raises(ConfigError, match="name must be"):
        write_captions(data, Writer(), name=name)


@pytest.mark.parametrize("options", [{"limit": 0}, {"attempts": 0}, {"attempts": 11}])
def test_a_wrong_option_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        WritingConfig(**options)  # type: ignore[arg-type]


def test_two_processes_never_write_the_same_captions(data: Dataset) -> None:
    with only_writer(data.path / "captions/gpt"), pytest.raises(DatasetError, match="another"):
        write(data, Writer())


def test_many_failures_in_a_row_end_the_run(data: Dataset) -> None:
    with pytest.raises(ModelError, match="in a row got no caption, the last because of: 500"):
        write(data, Writer(lambda _: Reply(problem="500")))
    assert len(lines(data)) >= 20


def test_a_token_that_is_taken_down_leaves_its_captions_too(data: Dataset) -> None:
    write(data, Writer())
    gone = uids(data)[3]
    assert forget_captions(data.path, {gone, "unknown"}) == 1
    assert gone not in written_captions(data.path, "gpt", "robots")
    assert len(lines(data)) == 20


def test_progress_counts_what_is_there_and_what_is_marked(data: Dataset) -> None:
    told: list[tuple[str, int, int, str]] = []
    write(data, Writer(batch=4), collections=["robots"], progress=lambda *a: told.append(a))
    assert told[0] == ("robots", 0, 21, "0 marked, 0 failed")
    assert told[-1] == ("robots", 21, 21, "0 marked, 0 failed")


def test_nothing_of_the_key_is_on_the_disk_and_everything_that_decides_is(data: Dataset) -> None:
    with chat_server() as server:
        config = EndpointConfig(url=server.url, model="m")
        with OpenAIWriter(config, key="sk-secret") as writer:
            write_captions(data, writer, name="gpt")
    for file in (data.path / "captions").rglob("*.*"):
        assert "sk-secret" not in file.read_text()
    described = files.read_json(data.path / "captions/gpt/writer.json")
    assert described["writer"]["model"] == "m"
    assert described["data"] == data.manifest.fingerprint
    assert described["prompt_version"] == 1


def test_an_endpoint_that_lies_and_stumbles_is_marked_line_by_line(data: Dataset) -> None:
    def lies(request: dict[str, Any]) -> Fault:
        traits = data_of(request)["traits"]
        return said(f"robots, {', '.join(' '.join(t[::-1]) for t in traits[1:])}")

    script: list[Fault | Answer] = [failed(400, "policy"), lies, lies, honest]
    with (
        chat_server(script) as server,
        OpenAIWriter(EndpointConfig(url=server.url, model="m", batch=1)) as writer,
    ):
        write_captions(data, writer, name="gpt", config=WritingConfig(attempts=1))
    statuses = [line["status"] for line in lines(data)]
    assert statuses == ["failed", "dropped", "dropped", *["ok"] * 18]


RUN = """
import sys
from traitlens.captions import EndpointConfig, OpenAIWriter, write_captions
config = EndpointConfig(url=sys.argv[2], model="m", batch=2, rate_per_s=float(sys.argv[3]))
with OpenAIWriter(config) as writer:
    write_captions(sys.argv[1], writer, name="gpt")
"""


def test_a_run_that_is_killed_goes_on_without_asking_twice(data: Dataset) -> None:
    file = data.path / "captions/gpt/robots.jsonl"
    with chat_server() as server:
        command = [sys.executable, "-c", RUN, str(data.path), server.url]
        killed = subprocess.Popen([*command, "20"])
        while killed.poll() is None and not (file.is_file() and file.stat().st_size):
            time.sleep(0.005)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        kept = written_captions(data.path, "gpt", "robots")
        before = len(server.requests)
        assert 0 < len(kept) < 26
        subprocess.run([*command, "1000"], check=True)
        asked = len(server.requests) - before
    assert asked == 26 - len(kept)
    whole = drawn_dataset(data.path.parent / "other", {"robots": 21, "owls": 5})
    with chat_server() as server:
        subprocess.run([*command[:3], str(whole.path), server.url, "1000"], check=True)
    assert lines(data) == lines(whole)

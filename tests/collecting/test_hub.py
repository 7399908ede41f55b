"""A collection of NFT1000 from the hub: whole, checked, gone on with, or one sentence."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.collecting.loopback import Asked, Loopback, Reply, serving
from traitlens.collecting import hub
from traitlens.collecting.catalogue import CatalogueEntry, find
from traitlens.collecting.config import CollectConfig
from traitlens.collecting.fetch_config import FetchConfig
from traitlens.collecting.hub import HubConfig, download, download_collection
from traitlens.collecting.pipeline import collect
from traitlens.errors import CollectError, ConfigError
from traitlens.progress import Progress, silent
from traitlens.sources.folder import open_sources

PIECE = 1000
SOURCE = "/datasets/shuxunoo/NFT-Net/resolve/main/NFT1000"
Answer = Callable[[Asked], Reply]


def zipped(*, size: int = 10_500) -> bytes:
    """Return a zip of about `size` bytes."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("images/Azuki_0.png", bytes(range(250)) * (size // 250))
    return sink.getvalue()


ZIP = zipped()
AZUKI = replace(find("Azuki"), sha256=hashlib.sha256(ZIP).hexdigest())


def part(data: bytes, asked: Asked) -> Reply:
    """Answer as a host does that knows ranges."""
    first, last = map(int, asked.headers["range"].removeprefix("bytes=").split("-"))
    if first >= len(data):
        return Reply(status=416, body=b"no such range")
    total = {"Content-Range": f"bytes {first}-{min(last, len(data) - 1)}/{len(data)}"}
    return Reply(status=206, body=data[first : last + 1], headers=total)


def fetch(
    out: Path,
    *hosts: Loopback,
    entry: CatalogueEntry = AZUKI,
    max_bytes: int = 10**6,
    progress: Progress = silent,
) -> Path:
    """Download from the first host; only the hosts that are named may be connected to."""
    config = HubConfig(base_url=hosts[0].url, piece_bytes=PIECE, max_bytes=max_bytes)
    return download(entry, out, config, patience(*hosts), progress=progress)


def patience(*hosts: Loopback) -> FetchConfig:
    allowed = tuple(host.authority for host in hosts)
    return FetchConfig(allow_private_hosts=allowed, retries=2, backoff_s=0.001)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_SMALLEST_PIECE", 100)


def begun(out: Path) -> Path:
    """Return where an unfinished download of Azuki is."""
    (out / ".Azuki.zip.collecting").mkdir(exist_ok=True)
    return out / ".Azuki.zip.collecting" / "partial"


def starts(host: Loopback) -> list[int]:
    return [int(a.headers["range"].removeprefix("bytes=").split("-")[0]) for a in host.asked]


def test_a_collection_comes_in_pieces_and_is_what_was_published(tmp_path: Path) -> None:
    with serving(lambda asked: part(ZIP, asked)) as host:
        path = fetch(tmp_path, host)
    assert path == tmp_path / "Azuki.zip"
    assert path.read_bytes() == ZIP
    assert {asked.path for asked in host.asked} == {f"{SOURCE}/Azuki.zip"}
    assert starts(host) == [*range(0, len(ZIP), PIECE)]
    assert [found.name for found in tmp_path.iterdir()] == ["Azuki.zip"]


@pytest.mark.parametrize("name", ["RSTLSS ✕ CrypToadz", "Wizards & Dragons Game", "50%? #1"])
def test_a_name_is_quoted_in_the_address(tmp_path: Path, name: str) -> None:
    with serving(lambda asked: part(ZIP, asked)) as host:
        path = fetch(tmp_path, host, entry=replace(AZUKI, name=name))
    assert unquote(host.asked[0].path) == f"{SOURCE}/{name}.zip"
    assert path.name == f"{name}.zip"


def test_what_is_there_already_is_asked_for_no_more(tmp_path: Path) -> None:
    (tmp_path / "Azuki.zip").write_bytes(ZIP)
    with serving(lambda asked: part(ZIP, asked)) as host:
        assert fetch(tmp_path, host).read_bytes() == ZIP
    assert host.asked == []


def test_another_file_in_its_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "Azuki.zip").write_bytes(b"mine")
    with (
        serving(lambda asked: part(ZIP, asked)) as host,
        pytest.raises(CollectError, match=r"Azuki.zip is not the zip that the authors published"),
    ):
        fetch(tmp_path, host)
    assert (tmp_path / "Azuki.zip").read_bytes() == b"mine"


def test_a_redirect_to_another_host_is_followed_with_the_range(tmp_path: Path) -> None:
    with serving(lambda asked: part(ZIP, asked)) as cdn:
        there = {"Location": f"{cdn.url}/blob?signed=1"}
        with serving(lambda _: Reply(status=302, headers=there)) as host:
            path = fetch(tmp_path, host, cdn)
    assert path.read_bytes() == ZIP
    assert starts(cdn)[:3] == [0, PIECE, 2 * PIECE]


def test_a_redirect_to_a_private_host_is_not_followed(tmp_path: Path) -> None:
    with serving(lambda asked: part(ZIP, asked)) as hidden:
        there = {"Location": f"{hidden.url}/blob"}
        with (
            serving(lambda _: Reply(status=302, headers=there)) as host,
            pytest.raises(CollectError, match="forbidden address"),
        ):
            fetch(tmp_path, host)
    assert hidden.asked == []


def test_a_connection_that_breaks_is_gone_on_with_in_smaller_pieces(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        reply = part(ZIP, asked)
        breaks = len(reply.body) > PIECE // 2 and not asked.headers["range"].startswith("bytes=0-")
        return replace(reply, sent_bytes=17) if breaks else reply

    with serving(answer) as host:
        assert fetch(tmp_path, host).read_bytes() == ZIP
    assert starts(host)[:4] == [0, PIECE, PIECE, PIECE + PIECE // 2]


def test_a_download_that_broke_off_goes_on_where_it_was(tmp_path: Path) -> None:
    def broken(asked: Asked) -> Reply:
        return part(ZIP, asked) if len(host.asked) <= 4 else Reply(status=503)

    with serving(broken) as host, pytest.raises(CollectError, match="run it again to go on"):
        fetch(tmp_path, host)
    assert [found.name for found in tmp_path.iterdir()] == [".Azuki.zip.collecting"]
    with serving(lambda asked: part(ZIP, asked)) as again:
        assert fetch(tmp_path, again).read_bytes() == ZIP
    assert starts(again)[0] == 4 * PIECE


def test_what_had_come_is_kept_when_the_hub_refuses_the_rest(tmp_path: Path) -> None:
    def refusing(asked: Asked) -> Reply:
        return part(ZIP, asked) if len(host.asked) <= 2 else Reply(status=403)

    with serving(refusing) as host, pytest.raises(CollectError, match="to everyone"):
        fetch(tmp_path, host)
    assert begun(tmp_path).read_bytes() == ZIP[: 2 * PIECE]


def test_a_host_that_stays_ill_is_given_up_after_some_tries(tmp_path: Path) -> None:
    with (
        serving(lambda _: Reply(status=500)) as host,
        pytest.raises(CollectError, match=r"Azuki.zip is not whole yet: server error: 500"),
    ):
        fetch(tmp_path / "made", host)
    assert len(host.asked) == 3
    assert list(tmp_path.iterdir()) == []


def test_retry_after_is_honoured(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        if len(host.asked) == 1:
            return Reply(status=429, headers={"Retry-After": "100"})
        return part(ZIP, asked)

    # The host is left alone for longer than the transport has patience for.
    with serving(answer) as host, pytest.raises(CollectError, match="rate limited"):
        fetch(tmp_path, host)
    assert len(host.asked) == 1


def test_wrong_bytes_are_removed(tmp_path: Path) -> None:
    wrong = ZIP[:-1] + b"!"
    with (
        serving(lambda asked: part(wrong, asked)) as host,
        pytest.raises(CollectError, match=f"not what the authors published.*{AZUKI.sha256}"),
    ):
        fetch(tmp_path, host)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_beginning_from_an_earlier_run_is_found_out(tmp_path: Path) -> None:
    begun(tmp_path).write_bytes(b"?" * 5000)
    with (
        serving(lambda asked: part(ZIP, asked)) as host,
        pytest.raises(CollectError, match="it was removed"),
    ):
        fetch(tmp_path, host)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, "the hub has no Azuki.zip"),
        (401, "does not give Azuki.zip to everyone"),
        (403, "does not give Azuki.zip to everyone"),
    ],
)
def test_a_file_that_cannot_be_had_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, status: int, said: str
) -> None:
    with serving(lambda _: Reply(status=status)) as host, pytest.raises(CollectError) as caught:
        fetch(tmp_path, host)
    assert said in str(caught.value)
    assert hub.PAGE in str(caught.value)
    assert len(host.asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_small_file_may_come_whole(tmp_path: Path) -> None:
    small = zipped(size=500)
    entry = replace(AZUKI, sha256=hashlib.sha256(small).hexdigest())
    begun(tmp_path).write_bytes(small[:300])
    with serving(lambda _: Reply(body=small)) as host:
        assert fetch(tmp_path, host, entry=entry).read_bytes() == small


def test_a_host_that_knows_no_parts_is_told_of(tmp_path: Path) -> None:
    with (
        serving(lambda _: Reply(body=ZIP)) as host,
        pytest.raises(CollectError, match="a whole file came where a part of it was asked for"),
    ):
        fetch(tmp_path, host)


def test_no_more_is_taken_than_a_zip_may_have(tmp_path: Path) -> None:
    with (
        serving(lambda asked: part(ZIP, asked)) as host,
        pytest.raises(CollectError, match="more than 5,000 bytes"),
    ):
        fetch(tmp_path, host, max_bytes=5000)
    assert len(host.asked) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("says", [None, "bytes 7-1006/10500", "bytes 0-999/*", "pages 0-999/10500"])
def test_another_part_than_was_asked_for_is_not_taken(tmp_path: Path, says: str | None) -> None:
    def elsewhere(asked: Asked) -> Reply:
        headers = {} if says is None else {"Content-Range": says}
        return Reply(status=206, body=ZIP[7 : 7 + PIECE], headers=headers)

    with serving(elsewhere) as host, pytest.raises(CollectError, match="sent another part"):
        fetch(tmp_path, host)
    assert list(tmp_path.iterdir()) == []


def test_without_a_published_checksum_a_whole_zip_will_do(tmp_path: Path) -> None:
    pluto = find("Pluto2")
    assert pluto.sha256 is None
    with serving(lambda asked: part(ZIP, asked)) as host:
        assert fetch(tmp_path, host, entry=pluto).read_bytes() == ZIP
    (tmp_path / "Pluto2.zip").unlink()
    with (
        serving(lambda asked: part(ZIP[:-40], asked)) as host,
        pytest.raises(CollectError, match="it is no zip; it was removed"),
    ):
        fetch(tmp_path, host, entry=pluto)


def test_how_much_has_come_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_MIB", 1000)
    told: list[tuple[str, int, int, str]] = []
    with serving(lambda asked: part(ZIP, asked)) as host:
        fetch(tmp_path, host, progress=lambda *said: told.append(said))
    assert 10_000 < len(ZIP) <= 11_000
    assert told[0] == ("download", 1, 11, "MiB of Azuki.zip")
    assert told[-1] == ("download", 11, 11, "MiB of Azuki.zip")


def test_what_is_downloaded_is_a_source_of_tokens(tmp_path: Path) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for number in range(3):
            archive.writestr(f"Azuki/images/Azuki_{number}.png", b"a picture")
            archive.writestr(f"Azuki/metadata/Azuki_{number}.json", b"{}")
            archive.writestr(f"Azuki/captions/Azuki_{number}.txt", b"words")
    data = sink.getvalue()
    entry = replace(AZUKI, sha256=hashlib.sha256(data).hexdigest())
    with serving(lambda asked: part(data, asked)) as host:
        fetch(tmp_path, host, entry=entry)
    (collection,) = open_sources([tmp_path])
    assert collection.info.name == "Azuki"
    assert [found.token_id for found in collection.found] == ["0", "1", "2"]


def test_a_mistyped_name_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match="did you mean 'Azuki'"):
        download_collection("azuky", tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


def test_one_call_finds_downloads_and_checks(tmp_path: Path) -> None:
    wrong = zipped(size=3000)
    with (
        serving(lambda asked: part(wrong, asked)) as host,
        pytest.raises(CollectError, match=f"not {find('azuki').sha256}"),
    ):
        download_collection(
            "azuki",
            tmp_path,
            config=HubConfig(base_url=host.url),
            fetch_config=FetchConfig(allow_private_hosts=(host.authority,)),
        )
    assert host.asked[0].path == f"{SOURCE}/Azuki.zip"


def test_a_mirror_is_asked_as_the_hubs_own_library_asks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "find", lambda _: AZUKI)
    with serving(lambda asked: part(ZIP, asked)) as host:
        monkeypatch.setenv("HF_ENDPOINT", f"{host.url}/hub/")
        config = CollectConfig(fetch=patience(host))
        report = collect("nft1000:Azuki", tmp_path / "raw", config=config)
        with pytest.raises(CollectError, match=r"forbidden address: .* --allow-private-hosts"):
            collect("nft1000:Azuki", tmp_path / "other")
    assert report.path.read_bytes() == ZIP
    assert host.asked[0].path == f"/hub{SOURCE}/Azuki.zip"
    assert [found.name for found in tmp_path.iterdir()] == ["raw"]


def test_a_mirror_that_is_none_is_said_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "hf-mirror")
    with pytest.raises(ConfigError, match=r"HF_ENDPOINT must be like https://huggingface.co; got"):
        collect("nft1000:Azuki", tmp_path / "raw")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("option", [{"limit": 5}, {"rpc": "https://x.test"}, {"retry": "failed"}])
def test_an_option_of_contracts_does_not_go_with_a_zip(
    option: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(CollectError, match=f"{next(iter(option))} does not go with it"):
        collect("nft1000:Azuki", tmp_path / "raw", config=CollectConfig(**option))


def test_two_processes_do_not_download_one_zip_at_once(tmp_path: Path) -> None:
    def meanwhile(asked: Asked) -> Reply:
        with pytest.raises(CollectError, match=r"Azuki.zip is being collected by another process"):
            fetch(tmp_path, host)
        return part(ZIP, asked)

    with serving(meanwhile) as host:
        assert fetch(tmp_path, host).read_bytes() == ZIP

"""A run that is killed is taken up: nothing is asked for twice, and nobody sees that it was."""

import errno
import json
import random
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.collecting.chain.node import Chain
from tests.collecting.drawn_collection import (
    asked_for,
    changes,
    config_for,
    contents,
    minted,
    picture,
    publish_on_a_host,
    publish_on_ipfs,
)
from tests.collecting.gateway_server import Behaviour, GatewayServer, Page, Request, Store
from tests.collecting.killing import collect_with_kills, seconds_undisturbed
from traitlens.collecting.pipeline import collect
from traitlens.errors import CollectError

TOKENS = range(1, 41)
KILLS = 12


def test_kills_at_random_moments_and_faults_leave_no_trace(chain: Chain, tmp_path: Path) -> None:
    store, rng = Store(), random.Random(6)
    address = minted(chain, publish_on_ipfs(store, TOKENS), tokens=TOKENS)
    with GatewayServer(store) as calm:
        collect(address, tmp_path / "calm", config=config_for(calm, chain.url))
    faulty = Behaviour(fault_share=0.2, slow_s=0.02, latency_s=0.005)
    with GatewayServer(store, behaviour=faulty) as server:
        config = config_for(server, chain.url, fetch={"retries": 8})
        within_s = seconds_undisturbed(address, tmp_path / "0", config)
        done = 0
        for run in range(1, 4 * KILLS):
            done += collect_with_kills(
                address, tmp_path / str(run), config, kills=KILLS - done, within_s=within_s, rng=rng
            )
            assert contents(tmp_path / str(run)) == contents(tmp_path / "calm")
            if done == KILLS:
                break
        assert done == KILLS
        assert server.faults_made > 10
    assert contents(tmp_path / "0") == contents(tmp_path / "calm")
    assert len(contents(tmp_path / "calm")) == 2 * len(TOKENS) + 2


class Stopped(BaseException):
    """As Ctrl-C: nothing that code may catch and go on."""


def test_nothing_that_is_there_is_asked_for_again(chain: Chain, tmp_path: Path) -> None:
    with GatewayServer() as server:
        address = minted(chain, publish_on_a_host(server, TOKENS), tokens=TOKENS)
        config = config_for(server, chain.url, fetch={"concurrency": 4})

        def stop_at_20(stage: str, done: int, *_: Any) -> None:
            if (stage, done) == ("collect", 20):
                raise Stopped

        with pytest.raises(Stopped):
            collect(address, tmp_path / "raw", config=config, progress=stop_at_20)
        assert not (tmp_path / "raw").exists()
        collect(address, tmp_path / "raw", config=config)
        times = Counter(asked_for(server))
        twice = [path for path, count in times.items() if count > 1]
        assert len(times) == 2 * len(TOKENS)
        assert len(twice) <= 4, "what was on its way, at most"
        undisturbed = collect(address, tmp_path / "calm", config=config)
        assert contents(tmp_path / "raw") == contents(undisturbed.path)


def test_a_document_is_kept_when_the_run_stops_at_its_picture(chain: Chain, tmp_path: Path) -> None:
    with GatewayServer() as server:
        address = minted(chain, publish_on_a_host(server, TOKENS), tokens=TOKENS)
        config = config_for(server, chain.url, ids="7", fetch={"concurrency": 1})
        server.pages["/images/7.png"] = stopping = Stopping()
        run = threading.Thread(target=stopping.run, args=(address, tmp_path / "raw", config))
        run.start()
        run.join()
        server.pages["/images/7.png"] = Page(body=picture(7))
        collect(address, tmp_path / "raw", config=config)
        assert asked_for(server).count("/tokens/7") == 1


class Stopping:
    """A page that is never answered in time, and the run that meets it."""

    def __call__(self, _: Request) -> Page:
        return Page(wait_s=3600)

    def run(self, address: str, out: Path, config: Any) -> None:
        seconds_until = replace(config.fetch, read_s=0.2, retries=0)

        def stop(stage: str, done: int, total: int, note: str = "") -> None:
            if note == "1 failed":
                raise Stopped

        with pytest.raises(Stopped):
            collect(address, out, config=replace(config, fetch=seconds_until), progress=stop)


def test_two_runs_can_be_stopped_at_any_move_of_a_file(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GatewayServer() as server:
        base = publish_on_a_host(server, range(1, 5))
        address = chain.deploy("Logged721")
        chain.send(address, "mint(uint256,uint256)", 1, 2)
        chain.send(address, "setBaseURI(string)", base)
        config = config_for(server, chain.url)
        blocks = [chain.block]
        server.pages["/tokens/2"] = server.pages["/tokens/3"]
        chain.send(address, "mint(uint256,uint256)", 3, 1)
        chain.send(address, "burn(uint256)", 1)
        chain.send(address, "refresh(uint256)", 2)
        blocks.append(chain.block)

        def both_runs(out: Path, after: int | None) -> int:
            """Collect twice, stopped at one of the moves; return how many moves there were."""
            moves = Moves(after)
            for block in blocks:
                pinned = replace(config, block=block)
                with monkeypatch.context() as patched:
                    patched.setattr(Path, "replace", moves.replace)
                    patched.setattr(Path, "rename", moves.rename)
                    patched.setattr(Path, "unlink", moves.unlink)
                    try:
                        collect(address, out, config=pinned)
                    except Stopped:
                        collect(address, out, config=pinned)
                server.pages["/tokens/2"] = server.pages["/tokens/4"]
            server.pages["/tokens/2"] = server.pages["/tokens/3"]
            return moves.made

        total = both_runs(tmp_path / "calm", None)
        assert changes(tmp_path / "calm") == [("1", "burnt"), ("2", "changed"), ("3", "new")]
        for after in range(0, total, 4):  # test_workspace stops a commit at each
            both_runs(tmp_path / str(after), after)
            assert contents(tmp_path / str(after)) == contents(tmp_path / "calm"), after
            left = {path.name for path in tmp_path.iterdir() if path.name.startswith(".")}
            assert not left, after


class Moves:
    """Path's moves, of which one is stopped before it happens."""

    def __init__(self, after: int | None) -> None:
        self.made, self._after = 0, after
        self._replace, self._rename, self._unlink = Path.replace, Path.rename, Path.unlink

    def _count(self) -> None:
        self.made += 1
        if self._after is not None and self.made == self._after + 1:
            raise Stopped

    @property
    def replace(self) -> Any:
        def replace(path: Path, target: Path) -> Path:
            self._count()
            return self._replace(path, target)

        return replace

    @property
    def rename(self) -> Any:
        def rename(path: Path, target: Path) -> Path:
            self._count()
            return self._rename(path, target)

        return rename

    @property
    def unlink(self) -> Any:
        def unlink(path: Path, missing_ok: bool = False) -> None:
            self._count()
            self._unlink(path, missing_ok=missing_ok)

        return unlink


def stopped_run(chain: Chain, server: GatewayServer, out: Path, **options: Any) -> str:
    """Return the contract of a run that stopped in its middle."""
    address = minted(chain, publish_on_a_host(server, TOKENS), tokens=TOKENS)

    def stop(stage: str, done: int, *_: Any) -> None:
        if stage == "collect" and done == 20:
            raise Stopped

    with pytest.raises(Stopped):
        collect(address, out, config=config_for(server, chain.url, **options), progress=stop)
    return address


def test_a_stopped_run_is_not_mixed_with_another_choice(chain: Chain, tmp_path: Path) -> None:
    with GatewayServer() as server:
        address = stopped_run(chain, server, tmp_path / "raw")
        other = config_for(server, chain.url, limit=3)
        with pytest.raises(CollectError, match=r"waits in .* that had limit None; .* --restart"):
            collect(address, tmp_path / "raw", config=other)
        report = collect(address, tmp_path / "raw", config=other, restart=True)
        assert report.tokens == 3
        assert len(contents(tmp_path / "raw")) == 2 * 3 + 2, "nothing of the first run is left"


def test_a_stopped_run_holds_to_its_block_and_may_use_another_gateway(
    chain: Chain, tmp_path: Path
) -> None:
    with GatewayServer() as server:
        address = stopped_run(chain, server, tmp_path / "raw")
        chain.send(address, "mint(uint256,uint256)", 100, 1)
        config = config_for(server, chain.url, fetch={"gateways": (f"{server.url}/elsewhere",)})
        assert collect(address, tmp_path / "raw", config=config).tokens == len(TOKENS)


def test_a_stopped_run_is_not_taken_up_on_another_chain(chain: Chain, tmp_path: Path) -> None:
    with GatewayServer() as server:
        address = stopped_run(chain, server, tmp_path / "raw")
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0x1"}).encode()

        def other_chain(request: Request) -> Page:
            asked = json.loads(request.body)
            return Page(body=body.replace(b'"id": 1', b'"id": %d' % asked["id"]))

        server.pages["/node"] = other_chain
        config = replace(config_for(server, chain.url), rpc=f"{server.url}/node")
        with pytest.raises(CollectError, match="eip155:1, and the run began on eip155:31337"):
            collect(address, tmp_path / "raw", config=config)


def test_two_runs_do_not_work_on_one_folder_at_once(chain: Chain, tmp_path: Path) -> None:
    with GatewayServer() as server:
        address = minted(chain, publish_on_a_host(server, TOKENS), tokens=TOKENS)
        config = config_for(server, chain.url)
        said: list[str] = []

        def meanwhile(stage: str, done: int, *_: Any) -> None:
            if (stage, done) == ("collect", 0):
                with pytest.raises(CollectError) as error:
                    collect(address, tmp_path / "raw", config=config)
                said.append(str(error.value))

        report = collect(address, tmp_path / "raw", config=config, progress=meanwhile)
        assert said == [f"{tmp_path / 'raw'} is being collected by another process"]
        assert report.statuses["collected"] == len(TOKENS)


def test_a_full_disk_is_one_sentence_and_the_run_goes_on_later(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GatewayServer() as server:
        address = minted(chain, publish_on_a_host(server, TOKENS), tokens=TOKENS)
        config = config_for(server, chain.url)
        write_bytes, room = Path.write_bytes, iter(range(30))

        def into_little_room(path: Path, data: bytes) -> int:
            if next(room, None) is None:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write_bytes(path, data)

        with monkeypatch.context() as full:
            full.setattr(Path, "write_bytes", into_little_room)
            with pytest.raises(CollectError, match=r"No space left on device.*command goes on"):
                collect(address, tmp_path / "raw", config=config)
        server.requests.clear()
        assert collect(address, tmp_path / "raw", config=config).statuses["collected"] == 40
        assert len(server.requests) < 2 * len(TOKENS) - 10, "what was there is not asked for again"

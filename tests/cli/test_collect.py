"""`traitlens collect` and `traitlens status`: from a command line to a folder and its report."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.collecting.chain.node import Chain, start_chain
from tests.collecting.drawn_collection import minted as minted_at
from tests.collecting.drawn_collection import publish_on_a_host
from tests.collecting.gateway_server import GatewayServer, Page
from traitlens.cli.collect import collect, tell
from traitlens.cli.status import status
from traitlens.collecting.ledger import Status
from traitlens.collecting.pipeline import CollectReport
from traitlens.errors import CollectError, ConfigError

TOKENS = range(1, 6)
app = typer.Typer()
app.command()(collect)
app.command()(status)


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with start_chain() as started:
        yield started


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GatewayServer]:
    monkeypatch.setenv("COLUMNS", "200")
    with GatewayServer() as started:
        yield started


def minted(chain: Chain, server: GatewayServer) -> str:
    base = publish_on_a_host(server, TOKENS)
    return minted_at(chain, base, kind="Enumerable721", tokens=TOKENS)


def run(*arguments: object) -> Result:
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def options(chain: Chain, server: GatewayServer, out: Path) -> list[object]:
    node = chain.url.removeprefix("http://")
    hosts = ["--allow-private-hosts", node, "--allow-private-hosts", server.authority]
    return ["-o", out, "--rpc", chain.url, "--gateway", server.url, *hosts, "--concurrency", 4]


def test_collect_says_what_came_and_where_to_go_next(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, server)
    server.pages["/images/3.png"] = Page(status=404)
    done = run("collect", address, *options(chain, server, tmp_path / "raw"))
    assert done.exit_code == 0, "a dead picture is a finding, no failure"
    assert "5 tokens: 4 collected, 1 rejected, 0 failed" in done.stdout
    assert "1 x not found" in done.stdout
    assert f"next: traitlens build {tmp_path / 'raw'}" in done.stdout
    assert "collect: 5 of 5 4 collected, 1 rejected" in done.stderr


def test_status_shows_tables_or_json(chain: Chain, server: GatewayServer, tmp_path: Path) -> None:
    address = minted(chain, server)
    server.pages["/images/3.png"] = Page(status=404)
    run("collect", address, *options(chain, server, tmp_path / "raw"))
    shown = run("status", tmp_path / "raw").stdout
    for words in ("Logged: 5 tokens", "why tokens are missing", "where the media live"):
        assert words in shown
    said = json.loads(run("status", tmp_path / "raw", "--json").stdout)
    assert said["statuses"] == {"collected": 4, "rejected": 1, "failed": 0}
    assert said["media_gone"] == 0.2


# A shell has what it starts in the background ignore Ctrl-C.
HEEDING_CTRL_C = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from traitlens.cli.main import main
main()
"""


def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, server)
    page, server.pages["/images/4.png"] = server.pages["/images/4.png"], Page(wait_s=3600)
    asked = ["collect", address, *options(chain, server, tmp_path / "raw")]
    command = [sys.executable, "-c", HEEDING_CTRL_C, *map(str, asked)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        ledger = tmp_path / ".raw.collecting" / "ledger.jsonl"
        while not ledger.is_file() or ledger.read_bytes().count(b'"status"') < 4:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode != 0
    assert "run the same command again to go on" in said
    assert "Traceback" not in said
    server.pages["/images/4.png"] = page
    server.requests.clear()
    assert "5 collected" in run(*asked).stdout
    assert [request.target for request in server.requests] == ["/images/4.png"]


def test_the_options_reach_the_run(chain: Chain, server: GatewayServer, tmp_path: Path) -> None:
    address = minted(chain, server)
    more = ["--limit", 2, "--block", chain.block, "--recheck", "chain"]
    run("collect", address, *options(chain, server, tmp_path / "raw"), *more)
    info = json.loads((tmp_path / "raw/collection.json").read_text())
    assert info["selection"] == {"ids": None, "limit": 2}
    assert info["block"] == chain.block


def test_a_wrong_option_says_what_would_do(tmp_path: Path) -> None:
    out = ["-o", tmp_path / "raw"]
    with pytest.raises(ConfigError, match="retry must be one of failed, all; got 'some'"):
        run("collect", "0x" + "1" * 40, *out, "--retry", "some")
    with pytest.raises(CollectError, match="ALCHEMY_API_KEY"):
        run("collect", "0x" + "1" * 40, *out, "--provider", "alchemy")
    with pytest.raises(ConfigError, match="not both"):
        run("collect", "0x" + "1" * 40, *out, "--provider", "alchemy", "--rpc", "http://x.test")
    assert not any(tmp_path.iterdir())


def test_a_private_host_that_was_not_named_is_not_asked(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, server)
    node = chain.url.removeprefix("http://")
    run(
        "collect", address, "-o", tmp_path / "raw", "--rpc", chain.url,
        "--allow-private-hosts", node,
    )  # fmt: skip
    said = json.loads(run("status", tmp_path / "raw", "--json").stdout)
    assert said["reasons"][0]["reason"] == "forbidden address"
    assert server.requests == []


def test_what_to_do_next_can_be_typed_as_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    statuses: dict[Status, int] = {"collected": 3, "rejected": 0, "failed": 1}
    report = CollectReport(path=Path("my apes"), statuses=statuses, reasons={"timed out": 1})
    tell(report, without=["ids", "limit"])
    said = capsys.readouterr().out
    assert "--retry failed, without --ids and --limit" in said
    assert "traitlens status 'my apes'" in said
    assert "traitlens build 'my apes' -o data/" in said


def test_nothing_is_said_of_a_build_where_nothing_came(capsys: pytest.CaptureFixture[str]) -> None:
    statuses: dict[Status, int] = {"collected": 0, "rejected": 1, "failed": 0}
    report = CollectReport(path=Path("raw"), statuses=statuses, reasons={"not found": 1})
    tell(report, without=[])
    assert "build" not in capsys.readouterr().out

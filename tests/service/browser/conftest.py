"""A real browser before a real server: Debian's Chromium, and uvicorn over a small drawn index.

Every test ends with two checks: the page said nothing on the console, and asked nobody else.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.helpers import ColourEncoder, drawn_token, write_dataset
from traitlens.records import Token, Trait
from traitlens.retrieval import IndexConfig, index
from traitlens.service import ServeConfig
from traitlens.service.app import create_app

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
HOSTILE = "<img src=x onerror=\"document.body.dataset.owned='yes'\">"
SIZES = {"robots": 400, "owls": 40}
PATIENCE_MS = 20_000  # of a busy machine

expect.set_options(timeout=PATIENCE_MS)


def hostile(token: Token) -> Token:
    """Return a token whose trait is markup."""
    return dataclasses.replace(token, traits=(*token.traits, Trait(HOSTILE, HOSTILE)))


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index; tests only read it."""
    folder = tmp_path_factory.mktemp("page")
    tokens = {name: [drawn_token(name, n) for n in range(size)] for name, size in SIZES.items()}
    tokens["owls"][7] = hostile(tokens["owls"][7])
    data = write_dataset(folder / "data", tokens)
    index(data, folder / "idx", encoder=ColourEncoder(), config=IndexConfig(engine="exact"))
    return folder / "idx"


@contextmanager
def served(path: Path, config: ServeConfig | None = None) -> Iterator[str]:
    """Serve an index on a free port of loopback; yield its address."""
    app = create_app(path, config, load_encoder=lambda _: ColourEncoder())
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def address(home: Path) -> Iterator[str]:
    with served(home) as started:
        yield started


@pytest.fixture(scope="module")  # it keeps an event loop running, and other tests have theirs
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("the page is tested in Chromium, which is not here: apt-get install chromium")
    # A library may have made this a real-time process; a browser that spins would starve itself.
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield started
        started.close()


@dataclasses.dataclass
class Watch:
    """What a page said on the console, and whom it asked; `expected` errors are none."""

    page: Page
    said: list[str] = dataclasses.field(default_factory=list)
    hosts: set[str] = dataclasses.field(default_factory=set)
    expected: str | None = None

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def _hear(self, message: ConsoleMessage) -> None:
        if self.expected is None or self.expected not in message.text:
            self.said.append(message.text)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1200, "height": 800}, reduced_motion="reduce")
    opened.set_default_timeout(PATIENCE_MS)
    opened.route("**/explanations/**", lambda route: route.fulfill(json={"terms": []}))
    yield opened
    opened.close()


@pytest.fixture
def watch(context: BrowserContext) -> Iterator[Watch]:
    watch = Watch(context.new_page())
    yield watch
    assert watch.said == []
    assert len(watch.hosts - {""}) == 1, "the service; a blob has no host"


@pytest.fixture
def page(watch: Watch) -> Page:
    return watch.page

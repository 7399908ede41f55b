"""What 10,000 hits cost the service's page: CPU time of the browser, for a step of scrolling.

The page alone is measured: all that it asks is answered here, with drawn hits.

    python -m benchmarks.page_scrolling
"""

from __future__ import annotations

import io
import mimetypes
import shutil
from importlib import resources
from urllib.parse import parse_qs, urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, Route, sync_playwright

ADDRESS = "http://127.0.0.1:1"  # nobody is there
STEPS = 40
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


def main() -> None:
    """Print a line for the first hits, and one for all of them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.route("**/*", answer)
        page.goto(f"{ADDRESS}/?q=hat")
        page.locator(".hit").first.wait_for()
        print(f"{page.locator('.hit').count():6} hits: {step_ms(browser, page):5.1f} ms a step")
        before = cpu_s(browser)
        while page.locator("#more").is_visible():
            page.evaluate("scrollTo(0, document.body.scrollHeight)")
            page.wait_for_timeout(50)
        hits, loading_s = page.locator(".hit").count(), cpu_s(browser) - before
        page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
        print(
            f"{hits:6} hits: {step_ms(browser, page):5.1f} ms a step; {loading_s:.0f} s till then"
        )


def step_ms(browser: Browser, page: Page) -> float:
    """Return the CPU time of all processes of the browser for a step of scrolling."""
    page.wait_for_timeout(2_000)
    before = cpu_s(browser)
    for step in range(STEPS):
        page.mouse.wheel(0, -800 if step % 2 else 700)
        page.wait_for_timeout(30)
    return 1e3 * (cpu_s(browser) - before) / STEPS


def cpu_s(browser: Browser) -> float:
    """Return the CPU time that the processes of the browser have taken."""
    found = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    return float(sum(process["cpuTime"] for process in found["processInfo"]))


def answer(route: Route) -> None:
    """Answer in the place of the service."""
    asked = urlsplit(route.request.url)
    match asked.path.split("/")[1:]:
        case [""]:
            route.fulfill(body=_file("index.html"), content_type="text/html")
        case ["static", name]:
            route.fulfill(body=_file(name), content_type=mimetypes.guess_type(name)[0])
        case ["search"]:
            options = parse_qs(asked.query)
            skip, k = int(options["skip"][0]), int(options["k"][0])
            route.fulfill(json=_hits(range(skip, skip + k)))
        case ["thumbnails", number]:
            route.fulfill(body=_picture(int(number)), content_type="image/png")
        case _:
            route.fulfill(json={"facets": {}})


def _file(name: str) -> bytes:
    return (resources.files("traitlens.service") / "page" / name).read_bytes()


def _hits(numbers: range) -> dict[str, object]:
    traits = [{"type": type_, "value": "Red", "matched": True} for type_ in ("Hat", "Eyes")]
    hits = [
        {
            "token_uid": str(number),
            "collection": "drawn",
            "token_id": str(number),
            "caption": f"token {number}",
            "traits": traits,
            "missing": [],
            "copies": 1,
            "thumbnail": f"/thumbnails/{number}",
        }
        for number in numbers
    ]
    timings = dict.fromkeys(("understand_ms", "encode_ms", "search_ms", "fetch_ms"), 0)
    return {"hits": hits, "terms": [], "unknown": [], "matching": 20_000, "timings": timings}


def _picture(number: int) -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (256, 256), (37 * number % 256, 91 * number % 256, 200)).save(sink, "PNG")
    return sink.getvalue()


if __name__ == "__main__":
    main()

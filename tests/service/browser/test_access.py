"""Who may, and who can: the key, the keyboard, the phone, and what axe-core finds."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.browser.conftest import Watch, served
from tests.service.browser.test_looking import LINK, explained
from traitlens.service import ServeConfig

AXE = Path(__file__).with_name("node_modules") / "axe-core" / "axe.min.js"
KEY = 'sixteen; and "more", ünd so'
SCROLLS_SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def test_the_key_is_asked_for_and_opens_pictures_too(watch: Watch, home: Path) -> None:
    watch.expected = "401"
    page = watch.page
    with served(home, ServeConfig(api_key=KEY)) as address:
        page.goto(f"{address}/?q=red")
        for given, told in (("a wrong one", "That key is not accepted."), (KEY, "")):
            page.get_by_label("API key").fill(given)
            page.get_by_role("button", name="Open").click()
            expect(page.locator("#refused")).to_have_text(told)
        expect(page.get_by_role("dialog")).to_be_hidden()
        loaded = "() => document.querySelector('.hit img')?.naturalWidth > 0"
        page.wait_for_function(loaded)
        (cookie,) = page.context.cookies()
        assert (cookie["sameSite"], cookie["expires"]) == ("Strict", -1), "till the browser closes"


def test_all_of_it_can_be_done_with_the_keyboard(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".examples a").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("red hat")
    page.keyboard.press("Enter")
    expect(page.locator(".term")).to_have_text(["red hat"])
    page.locator(".hit a").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(page.locator(".hit a").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".hit a").nth(1)).to_be_focused()


@pytest.mark.parametrize("path", ["/", "/?q=red+hat", LINK])
def test_it_fits_a_phone(browser: Browser, address: str, path: str) -> None:
    with browser.new_context(viewport={"width": 360, "height": 640}, has_touch=True) as phone:
        page = phone.new_page()
        page.goto(address + path)
        expect(page.locator("main img:visible, dialog img:visible").first).to_be_visible()
        assert not page.evaluate(SCROLLS_SIDEWAYS)
        if path == LINK:
            return
        expect(page.get_by_label("Find a trait")).to_be_hidden()
        page.get_by_role("button", name="Filters").tap()
        page.get_by_role("checkbox", name="owls").tap()
        expect(page.get_by_role("button", name="Filters (1)")).to_be_visible()
        assert not page.evaluate(SCROLLS_SIDEWAYS)


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not here: npm ci in this folder")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/?q=red+hat,+no+spaceship", LINK])
def test_axe_finds_nothing(page: Page, address: str, path: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.route("**/explanations/**", explained)
    page.goto(address + path)
    if path == LINK:
        page.get_by_role("button", name="Show where").click()
        expect(page.locator(".near img")).to_have_count(8)
    else:
        expect(page.locator("main img").first).to_be_visible()
        page.locator("#facets summary").nth(1).click()
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")
    assert [
        (one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]
    ] == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not here: npm ci in this folder")
def test_axe_finds_nothing_where_a_key_is_asked_for(watch: Watch, home: Path) -> None:
    watch.expected = "401"
    with served(home, ServeConfig(api_key=KEY)) as address:
        watch.page.goto(address)
        expect(watch.page.get_by_label("API key")).to_be_visible()
        watch.page.evaluate(AXE.read_text())
        assert watch.page.evaluate("axe.run()")["violations"] == []

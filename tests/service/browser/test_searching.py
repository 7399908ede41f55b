"""Words, pictures and filters, as a person gives them."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.helpers import drawn_token
from tests.service.browser.conftest import Watch

PASTE = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], "owl.png", { type: "image/png" }));
  const event = name === "paste"
    ? new ClipboardEvent(name, { clipboardData: carried, bubbles: true })
    : new DragEvent(name, { dataTransfer: carried, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def names(page: Page) -> list[str]:
    return page.locator(".hit .name").all_text_contents()


def test_one_is_welcomed_with_searches_that_find_something(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_text("440 tokens are here")).to_be_visible()
    example = page.get_by_role("list", name="Searches to begin with").get_by_role("link").first
    words = example.inner_text()
    example.click()
    expect(page.locator("#words")).to_have_value(words)
    expect(page.locator(".hit").first).to_be_visible()


def test_words_are_searched_while_one_types(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("#words").press_sequentially("red hat, no pin")
    expect(page.locator(".term")).to_have_text(["red hat", "not pin"])
    expect(page.locator(".hit .tag").first).to_have_text("Red")
    assert asked(page)["q"] == ["red hat, no pin"]
    expect(page.locator("#count")).to_contain_text("tokens, best first")


def test_where_nothing_fits_one_is_told_and_may_see_what_looks_nearest(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/?q=submarine")
    expect(page.locator("#count")).to_contain_text("nothing fits")
    expect(page.locator("#note")).to_contain_text("Nothing here fits 'submarine'", ignore_case=True)
    expect(page.locator(".hit")).to_have_count(0)
    page.get_by_role("link", name="Show what looks nearest").click()
    expect(page.locator(".hit").first).to_be_visible()
    assert asked(page) == {"q": ["submarine"], "mode": ["dense"]}


def test_an_older_answer_does_not_take_the_place_of_a_newer(page: Page, address: str) -> None:
    older = re.compile("q=blue$")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(older, hold)
    page.goto(address)
    with page.expect_request(older):
        page.locator("#words").fill("blue")
    page.locator("#words").fill("green hat")
    expect(page.locator(".term")).to_have_text(["green hat"])
    held[0].continue_()
    page.wait_for_timeout(300)
    expect(page.locator(".term")).to_have_text(["green hat"])


def test_a_filter_narrows_and_its_chip_widens_again(page: Page, address: str) -> None:
    page.goto(f"{address}/?q=red+hat")
    page.get_by_role("checkbox", name="owls").check()
    expect(page.locator("#count")).to_have_text(re.compile("^40 tokens"))
    assert {name.split()[0] for name in names(page)} == {"owls"}
    page.get_by_role("button", name="Without collection: owls").click()
    expect(page.locator("#count")).to_have_text(re.compile("^440 tokens"))
    assert "f" not in asked(page)


def test_of_a_chosen_type_more_can_be_chosen(page: Page, address: str) -> None:
    page.goto(f"{address}/?q=red")
    page.locator("summary", has_text="Hat").click()
    page.get_by_role("group").get_by_role("checkbox", name="Red").check()
    page.get_by_role("checkbox", name="Blue").check()
    expect(page.locator("#chosen li")).to_have_text(["Hat: Red", "Hat: Blue", "Clear"])
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#chosen li")).to_have_count(0)


def test_filters_alone_show_their_tokens(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("checkbox", name="owls").check()
    expect(page.locator("#count")).to_have_text(re.compile("^40 tokens"))
    assert {name.split()[0] for name in names(page)} == {"owls"}


def test_a_trait_is_found_among_the_filters(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("summary").first).to_be_visible()
    page.get_by_label("Find a trait").fill("moo")
    expect(page.locator("#facets summary")).to_have_count(1)
    page.get_by_role("checkbox", name="Moon").check()
    expect(page.locator("#chosen li")).to_have_text(["Pin: Moon"])


@pytest.mark.parametrize("way", ["choose", "drop", "paste"])
def test_a_picture_finds_its_token(page: Page, address: str, tmp_path: Path, way: str) -> None:
    data = drawn_token("owls", 3).image
    assert data is not None
    page.goto(address)
    if way == "choose":
        (tmp_path / "owl.png").write_bytes(data)
        page.locator("#file").set_input_files(tmp_path / "owl.png")
    else:
        page.evaluate(PASTE, [way, base64.b64encode(data).decode()])
    expect(page.get_by_role("button", name="Search without the picture")).to_be_visible()
    expect(page.locator(".hit img").first).to_be_visible()
    first = page.locator(".hit a").first.get_attribute("data-token") or ""
    found = drawn_token(*_named(first))
    assert found.pixels_sha256 == drawn_token("owls", 3).pixels_sha256


def _named(uid: str) -> tuple[str, int]:
    collection, number = uid.removeprefix("local:files/folder:").split("/")
    return collection, int(number)


def test_words_join_a_picture_and_stay_without_it(page: Page, address: str, tmp_path: Path) -> None:
    (tmp_path / "owl.png").write_bytes(drawn_token("owls", 3).image or b"")
    page.goto(address)
    page.locator("#file").set_input_files(tmp_path / "owl.png")
    page.locator("#words").fill("blue hat")
    expect(page.locator(".term")).to_have_text(["blue hat"])
    page.get_by_role("button", name="Search without the picture").click()
    expect(page.locator("#chip")).to_be_hidden()
    expect(page.locator("#words")).to_have_value("blue hat")


def test_what_is_no_picture_is_told(watch: Watch, address: str, tmp_path: Path) -> None:
    watch.expected = "400"
    (tmp_path / "broken.png").write_bytes(b"no picture")
    watch.page.goto(address)
    watch.page.locator("#file").set_input_files(tmp_path / "broken.png")
    expect(watch.page.locator("#note")).to_contain_text("the picture cannot be searched with")


def test_back_goes_through_the_searches_pictures_too(
    page: Page, address: str, tmp_path: Path
) -> None:
    (tmp_path / "owl.png").write_bytes(drawn_token("owls", 3).image or b"")
    page.goto(address)
    page.locator("#file").set_input_files(tmp_path / "owl.png")
    expect(page.locator(".hit").first).to_be_visible()
    by_picture = names(page)
    page.get_by_role("button", name="Search without the picture").click()
    page.locator("#words").press_sequentially("green hat", delay=200)
    expect(page.locator(".term")).to_have_text(["green hat"])
    page.go_back()
    expect(page.locator(".welcome")).to_be_visible()
    page.go_back()
    expect(page.locator("#chip")).to_be_visible()
    expect(page.locator(".hit .name").first).to_have_text(by_picture[0])
    assert names(page) == by_picture


def test_more_hits_come_as_one_scrolls_and_none_twice(page: Page, address: str) -> None:
    page.goto(f"{address}/?q=red")
    expect(page.locator(".hit")).to_have_count(48)
    for _ in range(20):
        page.mouse.wheel(0, 4_000)
        page.wait_for_timeout(50)
        if page.locator("#more").is_hidden():
            break
    expect(page.locator("#more")).to_be_hidden()
    shown = names(page)
    pictures = {
        drawn_token(name, n).pixels_sha256
        for name, size in (("robots", 400), ("owls", 40))
        for n in range(size)
    }
    assert len(shown) == len(set(shown)) == len(pictures), "equal pictures are one hit"


def test_what_nothing_satisfies_is_told(page: Page, address: str) -> None:
    page.goto(f'{address}/?q=spaceship&f=["Hat","Red"]&f=["Pin","Moon"]&f=["collection","owls"]')
    expect(page.locator("#note")).to_contain_text("no trait here is called 'spaceship'")
    expect(page.locator(".term.unknown")).to_have_text("unknown: spaceship")


@pytest.mark.parametrize("f", ["nonsense", "[1,2]", '["Hat"]', "{}", "null"])
def test_a_mangled_link_is_read_as_far_as_it_goes(page: Page, address: str, f: str) -> None:
    page.goto(f"{address}/?q=red&f={f}")
    expect(page.locator(".hit").first).to_be_visible()


def test_a_filter_that_is_none_here_is_told_and_can_be_left(watch: Watch, address: str) -> None:
    watch.expected = "400"
    page = watch.page
    page.goto(f'{address}/?q=red&f=["Hut","Red"]')
    expect(page.locator("#note")).to_contain_text("did you mean 'Hat'")
    page.get_by_role("button", name="Without Hut: Red").click()
    expect(page.locator(".hit").first).to_be_visible()


def test_a_service_that_is_busy_is_asked_again(watch: Watch, address: str) -> None:
    watch.expected = "429"
    refused: list[str] = []

    def busy(route: Route) -> None:
        kind = urlsplit(route.request.url).path.split("/")[1]
        if kind in refused:
            return route.continue_()
        refused.append(kind)
        return route.fulfill(status=429, headers={"retry-after": "1"}, json={"detail": "wait"})

    watch.page.route(re.compile(r":\d+/(search|facets|thumbnails)"), busy)
    watch.page.goto(f"{address}/?q=red")
    expect(watch.page.locator(".hit").first).to_be_visible()
    expect(watch.page.get_by_role("checkbox", name="owls")).to_be_visible()
    loaded = (
        "() => [...document.querySelectorAll('.hit img')].slice(0, 4).every((i) => i.naturalWidth)"
    )
    watch.page.wait_for_function(loaded)
    assert set(refused) == {"search", "facets", "thumbnails"}

"""One token: opened, explained, left again, and shared."""

from __future__ import annotations

import base64
import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from tests.helpers import SIZE_PX, drawn_token, png
from tests.service.browser.conftest import HOSTILE, Watch

UID = "local:files/folder:owls/3"
OWL = drawn_token("owls", 3)
TRAIT = OWL.traits[0]
LINK = f"/?q=red+hat&token={quote(UID, safe='')}"


def token(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query).get("token", [""])[0]


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def test_a_hit_opens_with_its_traits_rarity_and_neighbours(page: Page, address: str) -> None:
    page.goto(f"{address}/?q=owls+with+a+red+hat")
    first = page.locator(".hit a").first
    name = first.locator(".name").text_content() or ""
    first.click()
    expect(dialog(page).get_by_role("heading", name=name)).to_be_visible()
    expect(dialog(page)).to_contain_text(re.compile(r"rarity \d+ of 40"))
    expect(dialog(page).locator(".matched dd").first).to_have_text("Red (asked for)")
    expect(dialog(page).locator(".near img")).to_have_count(8)
    assert dialog(page).locator(".stage img").evaluate("(i) => i.naturalWidth") == SIZE_PX


@pytest.mark.parametrize("way", ["Escape", "Close", "back", "beside it"])
def test_a_token_is_left_for_the_list_where_one_was(page: Page, address: str, way: str) -> None:
    page.goto(f"{address}/?q=red+hat")
    third = page.locator(".hit a").nth(2)
    third.click()
    expect(dialog(page)).to_be_visible()
    assert token(page) == third.get_attribute("data-token")
    if way == "Escape":
        page.keyboard.press("Escape")
    elif way == "Close":
        dialog(page).get_by_role("button", name="Close").click()
    elif way == "back":
        page.go_back()
    else:
        page.mouse.click(4, 400)
    expect(dialog(page)).to_be_hidden()
    expect(third).to_be_focused()
    expect(page).to_have_url(f"{address}/?q=red+hat")


def test_one_goes_from_hit_to_hit_and_to_neighbours_and_leaves_all_at_once(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/?q=red+hat")
    expect(page.locator(".hit").first).to_be_visible()
    hits = [str(hit.get_attribute("data-token")) for hit in page.locator(".hit a").all()]
    page.locator(".hit a").first.click()
    expect(dialog(page).get_by_role("button", name="Previous")).to_be_disabled()
    dialog(page).get_by_role("button", name="Next").click()
    page.wait_for_url(lambda url: hits[1] in parse_qs(urlsplit(url).query)["token"])
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: hits[2] in parse_qs(urlsplit(url).query)["token"])
    dialog(page).locator(".near a").first.click()
    page.wait_for_url(lambda url: hits[2] not in parse_qs(urlsplit(url).query)["token"])
    dialog(page).get_by_role("button", name="Close").click()
    expect(page).to_have_url(f"{address}/?q=red+hat")
    page.go_back()
    assert page.url == "about:blank", "the list was the first entry"


def test_more_like_this_searches_with_the_token(page: Page, address: str) -> None:
    page.goto(f"{address}{LINK}")
    dialog(page).get_by_role("link", name="More like this").click()
    expect(dialog(page)).to_be_hidden()
    expect(page.locator("#chip")).to_contain_text("like this")
    expect(page.locator("#count")).to_contain_text("439 tokens")
    assert parse_qs(urlsplit(page.url).query) == {"like": [UID]}
    page.go_back()
    expect(dialog(page)).to_be_visible()


def test_a_link_brings_all_of_it_back(page: Page, address: str) -> None:
    page.goto(address + LINK + '&mode=traits&f=["collection","owls"]')
    expect(dialog(page).get_by_role("heading", name="owls #3")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#words")).to_have_value("red hat")
    expect(page.get_by_role("radio", name="traits")).to_be_checked()
    expect(page.get_by_role("checkbox", name="owls")).to_be_checked()
    expect(page.locator("#count")).to_have_text(re.compile("^40 tokens"))
    page.wait_for_url(lambda url: "token=" not in url)


def test_a_link_to_a_token_that_is_not_here_says_so(watch: Watch, address: str) -> None:
    watch.expected = "404"
    watch.page.goto(f"{address}/?token=nobody")
    expect(dialog(watch.page)).to_contain_text("the index has no token 'nobody'")
    watch.page.keyboard.press("Escape")
    expect(watch.page.locator(".welcome")).to_be_visible()


def test_texts_of_tokens_are_only_text(page: Page, address: str) -> None:
    page.goto(f"{address}/?q=owls&token={quote('local:files/folder:owls/7', safe='')}")
    expect(dialog(page).locator("dt").last).to_have_text(HOSTILE)
    page.keyboard.press("Escape")
    page.locator("#facets summary", has_text=HOSTILE).click()
    page.locator("#facets details", has_text=HOSTILE).get_by_role("checkbox").check()
    expect(page.locator("#chosen li")).to_have_text([f"{HOSTILE}: {HOSTILE}"])
    expect(page.locator(".hit .name")).to_have_text(["owls #7"])
    assert page.evaluate("document.body.dataset.owned") is None
    assert page.locator("img[src=x]").count() == 0


def explained(route: Route) -> None:
    """Answer that the first trait was asked for, and is in the left half of the picture."""
    mask = Image.new("RGBA", (SIZE_PX, SIZE_PX))
    mask.paste("white", (0, 0, SIZE_PX // 2, SIZE_PX))
    image = f"data:image/png;base64,{base64.b64encode(png(mask)).decode()}"
    terms = [
        {"meant": "hat", "matched": True, "trait": f"{TRAIT.trait_type}: {TRAIT.value}"},
        {"meant": HOSTILE, "matched": False, "trait": None},
    ]
    route.fulfill(
        json={
            "token_uid": UID,
            "cosine": 0.31,
            "closer_than": 0.9996,
            "terms": terms,
            "heat": [[1.0, 0.0, 0.0, 0.0]] * 4,
            "masks": [{"type": TRAIT.trait_type, "value": TRAIT.value, "image": image}],
            "note": "Only its looks were asked.",
        }
    )


def test_an_explanation_says_what_fits_and_how_close_it_is(page: Page, address: str) -> None:
    page.route("**/explanations/**", explained)
    page.goto(address + LINK)
    why = dialog(page).locator(".why")
    expect(why.locator("li.met")).to_have_text([f"hat{TRAIT.trait_type}: {TRAIT.value}"])
    expect(why.locator("li.unmet")).to_have_text([f"{HOSTILE}not among its traits"])
    expect(why).to_contain_text("closer to the words than 99.9 % of the others")
    expect(why).to_contain_text("Only its looks were asked.")


def test_heat_is_laid_over_the_picture_and_said_in_words(page: Page, address: str) -> None:
    page.route("**/explanations/**", explained)
    page.goto(address + LINK)
    show = dialog(page).get_by_role("button", name="Show where")
    expect(show).to_have_attribute("aria-pressed", "false")
    show.click()
    said = "What speaks for “red hat” is in the middle, on the left."
    overlay = dialog(page).get_by_role("img", name=said)
    expect(overlay).to_be_visible()
    expect(dialog(page).locator("figcaption")).to_contain_text(said)
    row = "(c) => [...c.getContext('2d').getImageData(0, c.height / 2, c.width, 1).data]"
    alpha = overlay.evaluate(row)[3::4]
    left, right = alpha[0], alpha[-1]
    assert left < 30 < 180 < right, "clear where it is hot, veiled elsewhere"
    show.click()
    expect(overlay).to_have_count(0)


def test_each_of_the_words_has_a_heat_map_of_its_own(page: Page, address: str) -> None:
    def of_each(route: Route) -> None:
        heats = {"hat": [[1.0, 0.0], [0.0, 0.0]], "body": [[0.0, 0.0], [0.0, 1.0]]}
        terms = [{"meant": name, "matched": True, "heat": heat} for name, heat in heats.items()]
        route.fulfill(json={"terms": [*terms, {"meant": "pin", "matched": False, "heat": None}]})

    page.route("**/explanations/**", of_each)
    page.goto(address + LINK)
    caption = dialog(page).locator("figcaption")
    expect(caption.get_by_role("button")).to_have_text(["hat", "body"])
    for name, place in (
        ("hat", "at the top, on the left"),
        ("body", "at the bottom, on the right"),
    ):
        caption.get_by_role("button", name=name).click()
        expect(caption).to_contain_text(f"What speaks for “{name}” is {place}.")
        expect(caption.locator("[aria-pressed=true]")).to_have_text([name])
        expect(dialog(page).locator("canvas")).to_have_count(1)


def test_a_trait_shows_its_part_of_the_picture_to_keys_and_pointers(
    page: Page, address: str
) -> None:
    page.route("**/explanations/**", explained)
    page.goto(address + LINK)
    value = dialog(page).get_by_role("button", name=TRAIT.value)
    part = dialog(page).locator(".part img")
    value.focus()
    expect(part).to_have_count(1)
    assert "data:image/png" in part.evaluate("(i) => getComputedStyle(i).maskImage")
    dialog(page).get_by_role("button", name="Close").focus()
    expect(part).to_have_count(0)
    value.hover()
    expect(part).to_have_count(1)


def test_where_nothing_is_explained_nothing_is_offered(watch: Watch, address: str) -> None:
    watch.expected = "404"
    watch.page.route("**/explanations/**", lambda route: route.fulfill(status=404, json={}))
    watch.page.goto(address + LINK)
    expect(dialog(watch.page).locator(".near img")).to_have_count(8)
    expect(dialog(watch.page).get_by_role("button", name="Show where")).to_have_count(0)
    assert dialog(watch.page).locator(".why").inner_text() == ""

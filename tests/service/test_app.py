"""The service, asked as programs ask it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

import traitlens
from tests.helpers import draw, drawn_token, png
from tests.service.small_service import client_of, made_index
from traitlens.errors import ConfigError
from traitlens.service import ServeConfig

UID = "local:files/folder:owls/3"
PAGE = Path(traitlens.__file__).with_name("service") / "page"
KEY = "sixteen-characters-and-more"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index; tests only read it."""
    return made_index(tmp_path_factory.mktemp("home") / "idx", {"robots": 40, "owls": 10})


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[TestClient]:
    with client_of(home) as opened:
        yield opened


def test_words_are_searched_and_explained(client: TestClient) -> None:
    answer = client.get("/search", params={"q": "owls with a red hat, no pin", "k": 3}).json()
    assert [term["said"] for term in answer["terms"]] == ["owls", "red hat", "pin"]
    assert [term["wanted"] for term in answer["terms"]] == [True, True, False]
    assert answer["terms"][1]["means"] == ["Hat=Red"]
    hit = answer["hits"][0]
    assert (hit["rank"], hit["collection"], hit["missing"]) == (1, "owls", [])
    assert {"type": "Hat", "value": "Red", "matched": True} in hit["traits"]
    assert answer["timings"]["encode_ms"] > 0


def test_pages_of_folded_answers_are_one_list(client: TestClient) -> None:
    def tokens(k: int, skip: int) -> list[str]:
        found = client.get("/search", params={"q": "red", "k": k, "skip": skip}).json()
        return [hit["token_uid"] for hit in found["hits"]]

    assert tokens(4, 0) + tokens(4, 4) == tokens(8, 0)


def test_a_token_is_shown_with_its_pictures_and_found_by_likeness(client: TestClient) -> None:
    token = client.get(f"/tokens/{quote(UID, safe='')}").json()
    assert (token["token_uid"], token["token_id"]) == (UID, "3")
    assert token["rarity"]["tokens"] == 10
    for where in (token["thumbnail"], token["picture"]):
        picture = client.get(where)
        assert picture.content == drawn_token("owls", 3).image
        assert picture.headers["content-type"] == "image/png"
    near = client.get("/search", params={"like": UID, "k": 5}).json()
    assert UID not in {hit["token_uid"] for hit in near["hits"]}


def test_a_picture_is_searched_with_and_words_beside_it(client: TestClient) -> None:
    files = {"picture": ("x.png", drawn_token("owls", 3).image or b"", "image/png")}
    found = client.post("/image-search", files=files, data={"where": "collection=owls", "k": 1})
    assert found.json()["hits"][0]["token_uid"] == UID
    both = client.post("/image-search", files=files, data={"q": "red hat", "weight": 1.0}).json()
    assert both["terms"][0]["said"] == "red hat"


def test_facets_count_the_tokens_of_a_filter(client: TestClient) -> None:
    found = client.get("/facets", params={"where": "collection=owls"}).json()
    assert found["matching"] == 10
    assert found["facets"]["collection"] == {"owls": 10}


def test_health_and_metrics_say_what_is_served(client: TestClient) -> None:
    assert client.get("/health").json()["tokens"] == 50
    client.get("/search", params={"q": "red"})
    said = client.get("/metrics").text
    assert 'traitlens_requests_total{path="/search",status="200"}' in said
    assert "traitlens_tokens 50.0" in said


@pytest.mark.parametrize(
    ("path", "params", "status", "said"),
    [
        ("/search", {}, 400, "a search needs words"),
        ("/search", {"q": "x", "where": "Hut=Red"}, 400, "did you mean 'Hat'"),
        ("/search", {"q": "x", "k": 0}, 422, "greater than or equal to 1"),
        ("/search", {"q": "x", "k": 201}, 400, "k must be at most 200 here; got 201"),
        ("/search", {"q": "x", "skip": 10_001}, 422, "less than or equal to 10000"),
        ("/search", {"q": "x" * 2_001}, 422, "at most 2000 characters"),
        ("/search", {"q": "x", "mode": "fast"}, 422, "'hybrid', 'dense' or 'traits'"),
        ("/search", {"like": "owls/99"}, 404, "the index has no token"),
        ("/tokens/nobody", {}, 404, "the index has no token"),
        ("/tokens/owl/3", {}, 404, "did you mean 'owls'"),
        ("/thumbnails/nobody", {}, 404, "the index has no picture"),
        ("/facets", {"where": "Hat="}, 400, "expected a value"),
        ("/nothing", {}, 404, "Not Found"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_sentence(
    client: TestClient, path: str, params: dict[str, object], status: int, said: str
) -> None:
    answer = client.get(path, params=params)  # type: ignore[arg-type]
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_a_service_may_give_fewer_pages(home: Path) -> None:
    with client_of(home, max_skip=10) as client:
        answer = client.get("/search", params={"q": "red", "skip": 11})
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "skip must be at most 10 here; got 11",
    )


def test_what_is_no_picture_is_refused(client: TestClient) -> None:
    for data in (b"GIF89a nonsense", b"", b"<svg xmlns='http://www.w3.org/2000/svg'><broken"):
        answer = client.post("/image-search", files={"picture": ("x", data)})
        assert answer.status_code in (400, 422)
    bomb = png(draw({"background": "red"}).resize((7_000, 7_000)))
    answer = client.post("/image-search", files={"picture": ("x", bomb)})
    assert (answer.status_code, "too many pixels" in answer.text) == (400, True)


def test_too_much_is_refused_before_it_is_read(home: Path) -> None:
    with client_of(home, max_body_bytes=2_000) as small:
        answer = small.post("/image-search", files={"picture": ("x", b"0" * 3_000)})
    assert (answer.status_code, answer.json()["detail"]) == (
        413,
        "a request has at most 2000 bytes",
    )


def test_a_body_whose_length_is_not_said_is_bounded_too(home: Path) -> None:
    parts = (b"0" * 1_000 for _ in range(5))
    headers = {"content-type": "multipart/form-data; boundary=x"}
    with client_of(home, max_body_bytes=2_000) as small:
        answer = small.post("/image-search", content=parts, headers=headers)
    assert answer.status_code == 413


def test_nothing_comes_from_elsewhere(client: TestClient) -> None:
    headers = client.get("/search", params={"q": "red"}).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "localhost.evil.example"])
def test_another_host_name_is_not_answered_on_loopback(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:9", "[::1]:8080", "LOCALHOST"])
def test_every_name_of_loopback_is(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"host": host}).status_code == 200


def test_elsewhere_a_key_is_needed(home: Path) -> None:
    with pytest.raises(ConfigError, match="can be reached by others, so TRAITLENS_API_KEY must be"):
        ServeConfig(host="0.0.0.0")
    with pytest.raises(ConfigError, match="at least 16 characters; got 5"):
        ServeConfig(api_key="short")
    with client_of(home, host="0.0.0.0", api_key=KEY) as opened:
        assert opened.get("/health").status_code == 200
        assert opened.get("/search?q=red").status_code == 401
        for headers in ({"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"}):
            assert opened.get("/search?q=red", headers=headers).status_code == 200
        opened.cookies.set("traitlens_key", KEY)
        assert opened.get("/search?q=red").status_code == 200


def test_a_client_that_asks_too_often_is_told_to_wait(home: Path) -> None:
    with client_of(home, host="0.0.0.0", api_key=KEY, rate=0.01, burst=3) as opened:
        asked = [opened.get("/search?q=red", headers={"x-api-key": KEY}) for _ in range(5)]
    assert [answer.status_code for answer in asked] == [200, 200, 200, 429, 429]
    assert asked[-1].headers["retry-after"] == "1"


def test_a_newer_index_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    first = made_index(tmp_path / "first", {"robots": 5})
    second = made_index(tmp_path / "second", {"robots": 7})
    link = tmp_path / "idx"
    link.symlink_to(first)
    with client_of(link, reload_s=3600) as opened:
        live = opened.app.state.service.live  # type: ignore[attr-defined]
        assert opened.get("/health").json()["tokens"] == 5
        assert not live.refresh()
        with live.served() as before:
            other = tmp_path / "other"
            other.symlink_to(second)
            other.replace(link)
            assert live.refresh()
            assert opened.get("/health").json()["tokens"] == 7
            assert len(before.index.search("red", k=9).hits) == 5, "still open for its request"


def test_the_page_and_its_files_come_from_here_and_nothing_else_does(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    kinds = {"css": "text/css", "js": "javascript", "svg": "svg"}
    names = set(re.findall(r"/static/([\w.]+)", page.text))
    assert names == {"page.css", "page.js", "icon.svg"}
    scripts = {file.name for file in PAGE.iterdir() if file.suffix == ".js"}
    for name in names | scripts:
        answer = client.get(f"/static/{name}")
        assert kinds[name.partition(".")[2]] in answer.headers["content-type"]
        assert not [word for word in ("innerHTML", "https://", "eval(") if word in answer.text]
    for name in ("nothing.js", "..%2Fapp.py", "index.html"):
        assert client.get(f"/static/{name}").status_code == 404


def test_the_page_asks_for_the_key_itself(home: Path) -> None:
    with client_of(home, host="0.0.0.0", api_key=KEY) as opened:
        for path, status in (("/", 200), ("/static/page.js", 200), ("/facets", 401)):
            assert opened.get(path).status_code == status

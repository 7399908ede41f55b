"""What HTTP asks beside GET, and words from everywhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from tests.helpers import ColourEncoder, drawn_token, write_dataset
from tests.service.small_service import client_of, made_index
from traitlens.retrieval import IndexConfig, index

THUMBNAIL = "/thumbnails/local%3Afiles%2Ffolder%3Aowls%2F3"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    path = made_index(tmp_path_factory.mktemp("home") / "idx", {"owls": 10})
    with client_of(path) as opened:
        yield opened


@pytest.mark.parametrize("path", [THUMBNAIL, "/search?q=red", "/health", "/", "/tokens/nobody"])
def test_head_is_get_without_the_body(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert head.content == b""
    assert (head.status_code, set(head.headers)) == (got.status_code, set(got.headers))
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize("path", [THUMBNAIL, "/static/page.js"])
def test_what_a_client_has_is_not_sent_again(client: TestClient, path: str) -> None:
    tag = client.get(path).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_another_method_is_refused_with_those_that_are_known(client: TestClient) -> None:
    answer = client.delete("/search")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json() == {"detail": "Method Not Allowed"}


def test_tokens_of_any_script_are_found_by_their_names(tmp_path: Path) -> None:
    name = "ねこ 猫/№ 1?#"
    token = dataclasses.replace(
        drawn_token("owls", 1), token_uid=f"local:files/folder:owls/{name}", token_id=name
    )
    data = write_dataset(tmp_path / "data", {"owls": [token]})
    index(data, tmp_path / "idx", encoder=ColourEncoder(), config=IndexConfig(engine="exact"))
    with client_of(tmp_path / "idx") as client:
        found = client.get(f"/tokens/{quote(token.token_uid, safe='')}").json()
        assert found["token_id"] == name
        assert client.get(found["thumbnail"]).status_code == 200
        assert client.get(f"/tokens/owls/{quote(name)}").json() == found


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "idna", "rot13", "nonsense"])
def test_half_a_character_in_a_form_is_refused(client: TestClient, charset: str) -> None:
    said = {"utf-7": b"+2AA-", "unicode_escape": b"\\ud800"}.get(charset, b"red")
    picture = drawn_token("owls", 1).image or b""
    body = (
        b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'
        + (picture + b'\r\n--x\r\nContent-Disposition: form-data; name="q"\r\n\r\n')
        + (said + b"\r\n--x--\r\n")
    )
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    answer = client.post("/image-search", content=body, headers={"content-type": kind})
    assert answer.status_code == (200 if said == b"red" else 422)

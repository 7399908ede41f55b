"""Explanations, asked as programs ask them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from urllib.parse import quote

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.helpers import PARTS, SIZE_PX, ColourEncoder, drawn_dataset
from traitlens.retrieval import IndexConfig, index
from traitlens.separation import SeparationConfig, components
from traitlens.service import ServeConfig
from traitlens.service.app import create_app


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    path = tmp_path_factory.mktemp("home")
    data = drawn_dataset(path / "data", {"robots": 60})
    components(data, config=SeparationConfig(min_tokens=3))
    index(data, path / "idx", encoder=ColourEncoder(), config=IndexConfig(engine="exact"))
    app = create_app(
        path / "idx", ServeConfig(timeout_s=60), load_encoder=lambda _: ColourEncoder()
    )
    with TestClient(app, base_url="http://localhost:8080") as opened:
        yield opened


def first(client: TestClient, where: str) -> str:
    found = client.get("/search", params={"q": "red", "where": where, "k": 1}).json()
    return quote(found["hits"][0]["token_uid"], safe="")


def test_an_explanation_says_what_is_met_and_where(client: TestClient) -> None:
    uid = first(client, "Hat=Red AND NOT Body=Green")
    found = client.get(f"/explanations/{uid}", params={"q": "red hat, green body"}).json()
    assert [(t["meant"], t["matched"], t["trait"]) for t in found["terms"]] == [
        ("red hat", True, "Hat: Red"),
        ("green body", False, None),
    ]
    assert 0 <= found["closer_than"] <= 1 and -1 <= found["cosine"] <= 1
    heat = np.array(found["terms"][0]["heat"])
    assert heat.ndim == 2 and (heat.min(), heat.max()) == (0, 1)
    assert found["terms"][1]["heat"] is None


def test_a_mask_is_white_on_transparent_over_the_picture(client: TestClient) -> None:
    uid = first(client, "Hat=Red")
    (mask,) = client.get(f"/explanations/{uid}", params={"q": "red hat"}).json()["masks"]
    assert (mask["type"], mask["value"]) == ("Hat", "Red")
    start, _, data = mask["image"].partition(",")
    assert start == "data:image/png;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")
    left, top, right, bottom = PARTS["hat"]
    assert picture.size == (SIZE_PX, SIZE_PX)
    assert picture.getpixel((left, top)) == picture.getpixel((right, bottom)) == (255,) * 4
    assert picture.getchannel("A").getpixel((left, bottom + 1)) == 0


@pytest.mark.parametrize(
    ("uid", "words", "status", "said"),
    [
        ("nobody", "red", 404, "the index has no token 'nobody'"),
        ("robots/1", " ", 400, "needs words"),
        ("robots/1", "x" * 2_001, 422, "2000"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    client: TestClient, uid: str, words: str, status: int, said: str
) -> None:
    answer = client.get(f"/explanations/{quote(uid, safe='')}", params={"q": words})
    assert answer.status_code == status
    assert said in answer.text

"""The tools of assistants, asked by the protocol's own client of the real process, over stdio."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, ImageContent, TextContent, Tool
from PIL import Image

from tests.helpers import drawn_dataset, drawn_token
from traitlens.models import load_encoder
from traitlens.retrieval import IndexConfig, index

PICTURE = drawn_token("owls", 3).image or b""
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "words": ("search_text", {"query": "robots with a red hat", "k": 3}),
    "filter": ("search_text", {"query": "red", "where": "collection=nobody"}),
    "bytes": ("search_image", {"data": base64.b64encode(PICTURE).decode(), "k": 1}),
    "file": ("search_image", {"path": "owl.png", "query": "red hat", "k": 2}),
    "outside": ("search_image", {"path": "../secret.png"}),
    "linked": ("search_image", {"path": "link.png"}),
    "no picture": ("search_image", {"data": base64.b64encode(b"not a picture").decode()}),
    "no base64": ("search_image", {"data": "*"}),
    "neither": ("search_image", {}),
    "why": ("explain_match", {"token": "owls/3", "query": "red hat, submarine"}),
    "nobody": ("explain_match", {"token": "owls/999", "query": "red hat"}),
    "too many": ("search_text", {"query": "red", "k": 1_000}),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home")
    data = drawn_dataset(path / "data", {"robots": 20, "owls": 10})
    encoder = load_encoder("shipped")
    index(data, path / "idx", encoder=encoder, config=IndexConfig(engine="exact"))
    (path / "pictures").mkdir()
    (path / "pictures" / "owl.png").write_bytes(PICTURE)
    (path / "secret.png").write_bytes(PICTURE)
    (path / "pictures" / "link.png").symlink_to(path / "secret.png")
    return path


@pytest.fixture(scope="module")
def asked(home: Path) -> tuple[list[Tool], dict[str, CallToolResult]]:
    """What one process lists, and what it answers to all of `CALLS`."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "traitlens.cli.main", "mcp", "idx", "--pictures", "pictures"],
        cwd=home,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )

    async def ask() -> tuple[list[Tool], dict[str, CallToolResult]]:
        async with Client(server) as client:
            tools = (await client.list_tools()).tools
            return tools, {name: await client.call_tool(*call) for name, call in CALLS.items()}

    return asyncio.run(ask())


@pytest.fixture(scope="module")
def answers(asked: tuple[list[Tool], dict[str, CallToolResult]]) -> dict[str, CallToolResult]:
    return asked[1]


def pictures_of(answer: CallToolResult) -> list[Image.Image]:
    found = [part for part in answer.content if isinstance(part, ImageContent)]
    return [Image.open(io.BytesIO(base64.b64decode(part.data))) for part in found]


def text_of(answer: CallToolResult) -> str:
    (text,) = (part.text for part in answer.content if isinstance(part, TextContent))
    return text


def test_the_tools_say_what_they_take_and_give(
    asked: tuple[list[Tool], dict[str, CallToolResult]],
) -> None:
    tools = {tool.name: tool for tool in asked[0]}
    assert set(tools) == {"search_text", "search_image", "explain_match"}
    for tool in tools.values():
        assert tool.description and tool.output_schema
    assert tools["search_text"].input_schema["required"] == ["query"]


def test_words_find_tokens_with_their_pictures(answers: dict[str, CallToolResult]) -> None:
    answer = answers["words"]
    first = answer.structured_content["tokens"][0]
    assert (first["rank"], first["collection"], first["missing"]) == (1, "robots", [])
    assert "Hat=Red" in first["matched"]
    assert json.loads(text_of(answer)) == answer.structured_content
    assert [picture.width for picture in pictures_of(answer)] == [192, 192, 192]


def test_what_is_not_there_is_an_error_that_can_be_read(answers: dict[str, CallToolResult]) -> None:
    answer = answers["filter"]
    assert answer.is_error and "nobody" in text_of(answer)


@pytest.mark.parametrize("how", ["bytes", "file"])
def test_a_picture_finds_its_token(answers: dict[str, CallToolResult], how: str) -> None:
    tokens = answers[how].structured_content["tokens"]
    assert "local:files/folder:owls/3" in {token["token"] for token in tokens}


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("outside", "no such picture below pictures"),
        ("linked", "no such picture below pictures"),
        ("no picture", "the picture cannot be searched with"),
        ("no base64", "the picture's data are no base64"),
        ("neither", "give a picture's path or its data"),
        ("nobody", "the index has no token 'owls/999'"),
        ("too many", "k"),
    ],
)
def test_what_cannot_be_done_is_said(
    answers: dict[str, CallToolResult], how: str, said: str
) -> None:
    assert answers[how].is_error
    assert said in text_of(answers[how])


def test_a_match_is_explained_with_a_sheet(answers: dict[str, CallToolResult]) -> None:
    answer = answers["why"]
    terms = {term["term"]: term["met"] for term in answer.structured_content["terms"]}
    assert terms.keys() == {"red hat", "submarine"} and not terms["submarine"]
    assert "no trait here is called 'submarine'" in answer.structured_content["note"]
    (sheet,) = pictures_of(answer)
    assert sheet.width > 3 * 192

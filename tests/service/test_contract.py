"""The service keeps what its OpenAPI description says, whatever it is asked (Schemathesis)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.service.small_service import app_of, client_of, made_index

OPERATIONS = {
    "/search": "get",
    "/image-search": "post",
    "/facets": "get",
    "/explanations/{token_uid}": "get",
    "/tokens/{token_uid}": "get",
    "/thumbnails/{token_uid}": "get",
    "/pictures/{token_uid}": "get",
    "/health": "get",
    "/metrics": "get",
}
WITH_PARAMETERS = (
    "/search",
    "/image-search",
    "/facets",
    "/explanations/{token_uid}",
)  # any text is a token's name
# No schema says what a filter, or what a picture is: such requests are told why with 400.
SAID_BY_NO_SCHEMA: list[Any] = CHECKS.get_by_names(["positive_data_acceptance"])
EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_index(tmp_path_factory.mktemp("home") / "idx", {"robots": 30, "owls": 10})


@pytest.fixture
def schema(home: Path) -> OpenApiSchema:
    app = app_of(home, hosts=("testserver",))  # Schemathesis ends it after each test
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[TestClient]:
    with client_of(home) as opened:
        yield opened


def test_the_description_is_valid_and_names_every_operation(schema: OpenApiSchema) -> None:
    schema.validate()
    paths = schema.raw_schema["paths"]
    assert {path: next(iter(methods)) for path, methods in paths.items()} == OPERATIONS
    for methods in paths.values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    jsonschema_rs.meta.validate(content.get("schema", {}))


@pytest.mark.parametrize("path", OPERATIONS)
def test_what_is_accepted_is_answered_as_described(schema: OpenApiSchema, path: str) -> None:
    _ask_all(schema, path, GenerationMode.POSITIVE)


@pytest.mark.parametrize("path", WITH_PARAMETERS)
def test_what_is_not_accepted_is_refused_as_described(schema: OpenApiSchema, path: str) -> None:
    _ask_all(schema, path, GenerationMode.NEGATIVE)


def _ask_all(schema: OpenApiSchema, path: str, mode: GenerationMode) -> None:
    operation = schema[path][OPERATIONS[path]]

    @EXAMPLES
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case[Any]) -> None:
        case.call_and_validate(excluded_checks=SAID_BY_NO_SCHEMA)

    ask()


WORDS = st.sampled_from(["hat", "red", "no", "owls", "robots", "-", "rde", '"', "\x00", "猫", "ß"])
FILTER = st.sampled_from(
    ["Hat", "Red", "=", "!=", "(", ")", "NOT", "AND", "OR", '"', "Pin", "Moon", "\\", "\x00", "é"]
)


def spoken(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(parts, max_size=12).map(" ".join)


@EXAMPLES
@given(
    q=spoken(WORDS),
    where=st.one_of(spoken(FILTER), st.sampled_from(["Hat=Red", "NOT (Hat=Red OR Pin=Moon)"])),
    mode=st.sampled_from(["hybrid", "dense", "traits"]),
    skip=st.integers(0, 2_000),
)
def test_nearly_sensible_searches_never_fail(
    client: TestClient, q: str, where: str, mode: str, skip: int
) -> None:
    asked: dict[str, str | int] = {"q": q, "where": where, "mode": mode, "skip": skip}
    answer = client.get("/search", params=asked)
    assert answer.status_code in (200, 400), answer.text
    assert isinstance(answer.json().get("detail", ""), str)


@EXAMPLES
@given(name=st.text(max_size=80))
def test_any_text_is_a_token_that_is_not_there(client: TestClient, name: str) -> None:
    for place in ("tokens", "thumbnails", "pictures"):
        answer = client.get(f"/{place}/{quote(name.encode('utf-8', 'replace'), safe='')}")
        assert (answer.status_code, set(answer.json())) == (404, {"detail"})

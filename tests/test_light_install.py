"""What works, and what is said, where only the light install is there: no Parquet, no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import draw, drawn_dataset, png
from traitlens.models import load_encoder
from traitlens.retrieval import IndexConfig, index

# A module that is None cannot be imported, as if it were not installed.
_WITHOUT = """
import sys
for name in ("pyarrow", "aiohttp", "yarl", "cykooz_resizer", "torch", "transformers", "onnx"):
    sys.modules[name] = None
"""

_SEARCH = """
from PIL import Image
from traitlens import Index
from traitlens.retrieval import answers_page, answers_sheet
with Index.open(sys.argv[1]) as index:
    said = index.search("a red hat", where="collection=robots", k=3)
    seen = index.search(image=Image.open(sys.argv[2]), k=3)
    like = index.search(like="robots/3", mode="hybrid", k=3)
    for answer in (said, seen, like):
        assert len(answer.hits) == 3, answer
        assert all(hit.image for hit in answer.hits)
    assert index.picture(said.hits[0]) == said.hits[0].image
    assert answers_page("hits", [said]) and answers_sheet([said]) and said._repr_html_()
"""

_SERVE = """
from pathlib import Path
from fastapi.testclient import TestClient
from traitlens.service import ServeConfig
from traitlens.service.app import create_app
app = create_app(Path(sys.argv[1]), ServeConfig())
with TestClient(app, base_url="http://localhost:8080") as client:
    hits = client.get("/search", params={"q": "red hat", "k": 2}).json()["hits"]
    assert len(hits) == 2
    picture = Path(sys.argv[2]).read_bytes()
    assert client.post("/image-search", files={"picture": picture}).json()["hits"]
"""


@pytest.fixture(scope="module")
def idx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the shipped encoder beside its data set, and a picture."""
    home = tmp_path_factory.mktemp("light")
    data = drawn_dataset(home / "data", {"robots": 12})
    index(data, home / "idx", encoder=load_encoder("shipped"), config=IndexConfig())
    (home / "picture.png").write_bytes(png(draw({"background": "blue", "body": "red"})))
    return home / "idx"


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _WITHOUT + code, *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("code", [_SEARCH, _SERVE], ids=["search", "serve"])
def test_an_index_is_searched_and_served_by_a_light_install(idx: Path, code: str) -> None:
    done = run(code, idx, idx.with_name("picture.png"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("command", "module", "extra"),
    [
        (["build", "RAW", "-o", "OUT"], "pyarrow", "build"),
        (["index", "DATA", "-o", "OUT"], "pyarrow", "build"),
        (["describe", "DATA"], "pyarrow", "build"),
        (["evaluate", "shipped", "DATA"], "pyarrow", "build"),
        (["collect", "0x31385d3520bced94f77aae104b406994d8f2168c", "-o", "OUT"], "yarl", "build"),
        (["train", "DATA", "-o", "OUT"], "torch", "train"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_a_command_that_needs_more_says_what_to_install(
    idx: Path, tmp_path: Path, command: list[str], module: str, extra: str
) -> None:
    places = {"RAW": tmp_path, "OUT": tmp_path / "out", "DATA": idx.with_name("data")}
    code = "from traitlens.cli.main import main; main()"
    done = run(code, *(places.get(part, part) for part in command))
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert said == f"error: this needs {module}; `pip install 'traitlens[{extra}]'` installs it"

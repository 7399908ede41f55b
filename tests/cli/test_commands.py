"""The commands, end to end, and what they say to wrong input: one sentence, and a status."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers import drawn_token
from traitlens.cli.main import main
from traitlens.records import Token

pytestmark = pytest.mark.usefixtures("wide_terminal")


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process."""

    def call(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["traitlens", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


def write_source(path: Path, tokens: list[Token]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for token in tokens:
            attributes = [{"trait_type": t.trait_type, "value": t.value} for t in token.traits]
            document = json.dumps({"attributes": attributes})
            archive.writestr(f"images/{token.token_id}.png", token.image or b"")
            archive.writestr(f"metadata/{token.token_id}.json", document)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a source, the data set `data` and the index `idx`."""
    path = tmp_path_factory.mktemp("cli")
    write_source(path / "robots.zip", [drawn_token("robots", i) for i in range(40)])
    from traitlens import build, index, load_encoder

    data = build([path / "robots.zip"], path / "data", workers=1)
    index(data, path / "idx", encoder=load_encoder())
    return path


def test_build_prints_what_it_kept_and_where_to_go_next(run: Run, tmp_path: Path) -> None:
    tokens = [drawn_token("robots", i) for i in range(12)]
    source = write_source(tmp_path / "robots.zip", tokens)
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr("images/99.png", b"no picture")
        archive.writestr("metadata/99.json", '{"attributes": {"Hat": "Red"}}')
    done = run("build", source, "-o", tmp_path / "data", "--workers", 1)
    assert done.code == 0
    assert "1 x unsupported media type" in done.out
    assert "next: traitlens index" in done.out
    again = run("build", source, "-o", tmp_path / "data")
    assert again.code == 0, "the same build is done already"


def test_search_prints_a_table_and_the_same_as_json(run: Run, folder: Path) -> None:
    done = run("search", "red hat", "-i", folder / "idx", "-k", 3)
    assert done.code == 0
    assert done.out.count("robots ") >= 3
    found = json.loads(run("search", "red hat", "-i", folder / "idx", "-k", 3, "--json").out)
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
    assert {"score", "token_uid", "traits", "matched"} <= set(found["hits"][0])


def test_search_by_picture_and_by_token_and_with_a_filter(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    token = drawn_token("robots", 7)
    (tmp_path / "photo.png").write_bytes(token.image or b"")
    by_picture = run(
        "search", "--image", tmp_path / "photo.png", "-i", folder / "idx", "-k", 1, "--json"
    )
    first = json.loads(by_picture.out)["hits"][0]
    assert first["score"] == pytest.approx(1, abs=1e-2)
    like = json.loads(run("search", "--like", "robots/7", "-i", folder / "idx", "--json").out)
    assert "7" not in [hit["token_id"] for hit in like["hits"]]
    kept = json.loads(
        run("search", "robot", "--where", "NOT hat=red", "-i", folder / "idx", "--json").out
    )
    traits = [(t["trait_type"], t["value"]) for hit in kept["hits"] for t in hit["traits"]]
    assert ("Hat", "Red") not in traits


def test_search_writes_a_page_and_a_sheet(run: Run, folder: Path, tmp_path: Path) -> None:
    page, sheet = tmp_path / "a.html", tmp_path / "a.png"
    assert run("search", "red", "-i", folder / "idx", "--html", page, "--sheet", sheet).code == 0
    assert "data:image/png" in page.read_text()
    with Image.open(sheet) as image:
        assert image.width > 100


def test_evaluate_prints_the_tables_and_writes_them(run: Run, folder: Path, tmp_path: Path) -> None:
    done = run("evaluate", "shipped", folder / "data", "--json", tmp_path / "a.json")
    assert done.code == 0
    for word in ("chance", "ceiling", "raw pixels", "colour histogram", "top-10"):
        assert word in done.out
    assert json.loads((tmp_path / "a.json").read_text())["rows"]


def test_embed_makes_what_evaluate_takes_for_a_model(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    done = run("embed", "shipped", folder / "data", "-o", tmp_path / "emb")
    assert done.code == 0
    assert "next: traitlens evaluate" in done.out
    assert run("evaluate", tmp_path / "emb", folder / "data", "--no-baselines").code == 0


def test_components_prints_what_it_found_and_draws_a_sheet(run: Run, folder: Path) -> None:
    done = run("components", folder / "data", "--sheet")
    assert done.code == 0
    assert (folder / "data/components/robots.png").is_file()


def huge_png() -> bytes:
    """Return a PNG that claims 30,000 x 30,000 px."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IEND", b"")


def wrong_inputs(folder: Path, made: Path) -> dict[str, tuple[list[object], str]]:
    """Return command lines that cannot work, and what their one sentence says."""
    (made / "text.png").write_text("hello")
    (made / "huge.png").write_bytes(huge_png())
    (made / "empty.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    good = drawn_token("robots", 1)
    with zipfile.ZipFile(made / "pictures.zip", "w") as archive:
        archive.writestr("images/1.png", good.image or b"")
    with zipfile.ZipFile(made / "huge.zip", "w") as archive:
        archive.writestr("images/1.png", huge_png())
        archive.writestr("metadata/1.json", '{"attributes": [{"trait_type": "A", "value": "B"}]}')
    (made / "model").mkdir()
    idx, out, data = folder / "idx", made / "out", folder / "data"
    return {
        "no such path": (["build", made / "none", "-o", out], "no such file or folder"),
        "empty zip": (["build", made / "empty.zip", "-o", out], "is empty"),
        "pictures only": (["build", made / "pictures.zip", "-o", out], "1 x no metadata"),
        "huge": (["build", made / "huge.zip", "-o", out], "1 x too many pixels"),
        "split": (["build", made / "huge.zip", "-o", out, "--split.rule", "x"], "by_token"),
        "not data": (["components", made], "has no dataset.json"),
        "no model": (["evaluate", made / "model", data], "has no config.json"),
        "no model to index": (["index", data, "-o", out, "--model", made / "model"], "config.json"),
        "masking": (["train", data, "-o", out, "--masking.p", "2"], "masking.p must be in [0, 1]"),
        "no index": (["search", "x", "-i", made / "none"], "no such folder"),
        "k of 0": (["search", "x", "-i", idx, "-k", "0"], "k must be in [1, 10000]; got 0"),
        "nothing asked": (["search", "-i", idx], "needs words, a picture, or a token"),
        "value": (["search", "x", "-i", idx, "--where", "Hat=Redd"], "did you mean 'Red'"),
        "trait": (["search", "x", "-i", idx, "--where", "Hatt=Red"], "Hat"),
        "collection": (["search", "x", "-i", idx, "--where", "collection=robot"], "robots"),
        "syntax": (["search", "x", "-i", idx, "--where", "Hat=Red AND"], "column 12"),
        "no picture": (["search", "--image", made / "text.png", "-i", idx], "unsupported media"),
        "huge picture": (["search", "--image", made / "huge.png", "-i", idx], "too many pixels"),
        "no token": (["search", "--like", "robots/999", "-i", idx], "robots/999"),
    }


def test_wrong_input_gets_one_sentence_a_status_and_writes_nothing(
    run: Run,
    folder: Path,
    tmp_path: Path,
) -> None:
    for name, (arguments, message) in wrong_inputs(folder, tmp_path).items():
        done = run(*arguments)
        assert done.code == 1, (name, done)
        assert message in done.err, (name, done.err)
        said = [line for line in done.err.splitlines() if line.startswith("error: ")]
        assert len(said) == 1, (name, done.err)
        assert "Traceback" not in done.err
        assert not (tmp_path / "out").exists(), name


def test_k_above_the_gallery_gives_all_there_are_and_says_so(run: Run, folder: Path) -> None:
    done = run("search", "red", "-i", folder / "idx", "-k", 100)
    assert done.code == 0
    assert "only 40 tokens in the index" in done.out


def test_an_index_made_with_another_model_is_refused(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    from traitlens.models.export import export_onnx
    from traitlens.models.tiny import make_tiny

    make_tiny("tiny", tmp_path / "other", captions=["red hat"], seed=1)
    export_onnx(tmp_path / "other")
    done = run("index", folder / "data", "-o", folder / "idx", "--model", tmp_path / "other")
    assert done.code == 1
    assert "was made with the encoder shipped" in done.err


def test_the_picture_of_a_token_is_found_after_a_change_of_format(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    token = drawn_token("robots", 7)
    (tmp_path / "token.png").write_bytes(token.image or b"")
    with Image.open(tmp_path / "token.png") as image:
        image.resize((200, 200), Image.Resampling.NEAREST).save(tmp_path / "token.jpg", quality=80)
    done = run("search", "--image", tmp_path / "token.jpg", "-i", folder / "idx", "--json")
    found = json.loads(done.out)["hits"][0]
    shown = {(t["trait_type"], t["value"]) for t in found["traits"] if t["trait_type"] != "Pin"}
    meant = {(t.trait_type, t.value) for t in token.traits if t.trait_type != "Pin"}
    assert shown == meant


def test_what_needs_an_extra_says_which(folder: Path, tmp_path: Path) -> None:
    command = ["train", str(folder / "data"), "-o", str(tmp_path / "run")]
    code = (
        "import sys; sys.modules['torch'] = None; "
        f"sys.argv = ['traitlens', *{command!r}]; "
        "from traitlens.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'traitlens[train]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupted_build_says_so_in_one_sentence_and_goes_on(tmp_path: Path) -> None:
    source = write_source(tmp_path / "robots.zip", [drawn_token("robots", i) for i in range(3000)])
    command = [sys.executable, "-m", "traitlens.cli.main", "build", source, "-o", tmp_path / "data"]
    process = subprocess.Popen(
        [*map(str, command), "--workers", "2"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    shards = tmp_path / ".data.unfinished/shards"
    while process.poll() is None and not list(shards.glob("*.parquet")):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: to every process
    _, err = process.communicate(timeout=60)
    if process.returncode:  # else it was quicker than the interrupt
        assert process.returncode == 130
        assert "run the same command again to go on" in err
        assert "Traceback" not in err
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

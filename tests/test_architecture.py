"""Who may import whom, and what importing costs: the plan in docs/architecture.md, held here."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import traitlens

ROOT = Path(traitlens.__file__).parent

# Each level may import the levels before it, and its own level only where it is one room.
LEVELS: list[set[str]] = [
    {"bounded_json", "errors", "plain_text", "portions", "progress", "records"},
    {"config", "files", "processes"},
    {"digest", "sheets", "shards", "tables", "vector_files"},
    {"store"},
    {"metrics"},
    {"standardization"},
    {"pages"},
    {"captions", "filtering", "split", "separation"},
    {"sources"},
    {"collecting"},
    {"description"},
    {"construction", "subsets"},
    {"exchange"},
    {"models"},
    {"embedding"},
    {"training", "engines"},
    {"retrieval", "diagnosis"},
    {"evaluation"},
    {"reporting"},
    {"reproduction", "removal", "service", "showcase"},
    {"cli"},
]
LEVEL = {room: number for number, rooms in enumerate(LEVELS) for room in rooms}

# Nothing below training but the torch half of `models` may know torch.
TORCH_FREE = set(LEVEL) - {"training", "models", "cli"}


def modules() -> list[Path]:
    return [file for file in ROOT.rglob("*.py") if file != ROOT / "__init__.py"]


def room_of(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(file: Path) -> set[str]:
    """Return the dotted names that a module imports, late imports included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_imported(file: Path) -> set[str]:
    parts = (name.split(".") for name in imported(file) if name.startswith("traitlens."))
    return {part[1] for part in parts if part[1] in LEVEL}


def test_every_room_has_its_place_in_the_plan() -> None:
    assert {room_of(file) for file in modules()} == set(LEVEL)


@pytest.mark.parametrize("room", sorted(LEVEL))
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    for file in (file for file in modules() if room_of(file) == room):
        above = {r for r in rooms_imported(file) - {room} if LEVEL[r] >= LEVEL[room]}
        assert not above, f"{file.relative_to(ROOT)} imports {above}"


def test_only_shards_and_vectors_know_parquet() -> None:
    knowing = {
        room_of(file)
        for file in modules()
        if any(name.split(".")[0] == "pyarrow" for name in imported(file))
    }
    assert knowing == {"shards", "vector_files"}


def test_only_training_and_the_torch_half_of_models_know_torch() -> None:
    for file in modules():
        if room_of(file) in TORCH_FREE:
            tops = {name.split(".")[0] for name in imported(file)}
            assert not tops & {"torch", "transformers", "safetensors"}, file


def test_nothing_is_ever_unpickled() -> None:
    for file in modules():
        tops = {name.split(".")[0] for name in imported(file)}
        assert not tops & {"pickle", "dill", "joblib", "shelve"}, file
        loads = [line for line in file.read_text().splitlines() if "torch.load" in line]
        # Old checkpoints are converted once, by the reader that builds nothing but tensors.
        assert not loads or file == ROOT / "models" / "conversion.py", file
        assert all("weights_only=True" in line for line in loads), file


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import traitlens", ["torch", "qdrant_edge", "pyarrow", "numpy", "onnxruntime"]),
        ("import traitlens.cli.main", ["torch", "qdrant_edge", "pyarrow", "numpy", "rich.table"]),
        (
            "from traitlens import Index, build; from traitlens.models import load_encoder",
            ["torch", "transformers", "qdrant_edge"],
        ),
        ("import traitlens.retrieval", ["torch", "qdrant_edge", "pyarrow", "onnxruntime"]),
    ],
)
def test_importing_does_no_work(statement: str, absent: list[str]) -> None:
    code = f"import sys; {statement}; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_module_is_near_a_thousand_lines() -> None:
    lengths = {file: len(file.read_text().splitlines()) for file in modules()}
    assert max(lengths.values()) < 600

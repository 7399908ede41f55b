"""The commands and snippets of README and guide run, in their order, in an empty folder."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDES = {  # each with the least number of commands that it has
    "README.md": 8,
    "docs/search.md": 3,
    "docs/evaluation.md": 4,
    "docs/training.md": 4,
    "docs/collecting.md": 1,
}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_commands_and_snippets_run(tmp_path: Path) -> None:
    programs = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    query = {"collection": "clay", "token_id": "7", "query": "a pale round head"}
    (tmp_path / "queries.jsonl").write_text(json.dumps(query))
    for file, at_least in GUIDES.items():
        text = (ROOT / file).read_text()
        commands = commands_of(text)
        assert len(commands) >= at_least
        for command in commands:
            done = run(shlex.split(command), cwd=tmp_path, env=environment)
            assert done.returncode == 0, f"{file}: {command}\n{done.stderr}"
        for snippet in blocks(text, "python"):
            program = tmp_path / "snippet.py"
            program.write_text(f'if __name__ == "__main__":\n{_indented(snippet)}')
            done = run([sys.executable, str(program)], cwd=tmp_path, env=environment)
            assert done.returncode == 0, f"{file}: {done.stderr}"
            assert done.stdout.strip()


def commands_of(text: str) -> list[str]:
    lines = [line for block in blocks(text, "bash") for line in block.splitlines()]
    return [line for line in lines if line.startswith("traitlens ")]


def run(command: list[str], *, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def _indented(snippet: str) -> str:
    return "".join(f"    {line}\n" for line in snippet.splitlines())


def test_make_demo_and_make_test_are_what_the_readme_and_ci_run() -> None:
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for target in ("demo", "test"):
        assert f"make {target} " in readme
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert "\nmake test\n" in (ROOT / ".ci/run").read_text()


@pytest.mark.parametrize(
    "file",
    ["README.md", "CONTRIBUTING.md", *(str(f.relative_to(ROOT)) for f in ROOT.glob("docs/*.md"))],
)
def test_no_link_within_the_docs_is_dead(file: str) -> None:
    text = (ROOT / file).read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert ((ROOT / file).parent / target).exists(), f"{file} links to {target}"

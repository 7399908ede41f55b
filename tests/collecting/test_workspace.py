"""What a run leaves gets to its place whole, wherever it is stopped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from traitlens.collecting.records import Contract
from traitlens.collecting.workspace import Plan, Workspace, claim, workspace
from traitlens.errors import CollectError

CONTRACT = Contract(chain_id="eip155:1", address="0x" + "1" * 40, standard="erc721", block=5)
CHOICE = {"limit": None}


class Stopped(BaseException):
    pass


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def one_run(out: Path, *, number: int, removed: tuple[str, ...] = ()) -> None:
    """Fetch two tokens, of which one is new in each run, and commit."""
    with workspace(out) as work:
        if claim(work, CHOICE, restart=False):
            return
        work.write_plan(Plan(contract=CONTRACT))
        work.remove_strays(lambda _: True)
        for token in ("1", str(number + 1)):
            write(work.content / f"metadata/{token}.json", f"{{}} {number}")
            write(work.content / f"images/{token}.{'png' if number == 1 else 'gif'}", f"{number}")
        write(work.runs, f"run {number}\n")
        work.prepare_commit(
            info={"block": number},
            tokens=[b"%d\n" % number],
            history=[b"changed\n"] if number > 1 else [],
            removed=removed,
        )
        work.finish_commit()


def two_runs(out: Path) -> None:
    one_run(out, number=1)
    one_run(out, number=2, removed=("images/1.png",))


def stopping_at(move: int) -> Callable[[Any], Callable[..., Any]]:
    """Return what makes a move of Path's stop before the one of that number."""
    made = 0

    def stopped(original: Callable[..., Any]) -> Callable[..., Any]:
        def moved(*arguments: Any, **options: Any) -> Any:
            nonlocal made
            made += 1
            if made == move:
                raise Stopped
            return original(*arguments, **options)

        return moved

    return stopped


def test_two_runs_leave_the_files_of_both(tmp_path: Path) -> None:
    two_runs(tmp_path / "raw")
    assert tree(tmp_path) == {
        "raw/collection.json": '{\n "block": 2\n}\n',
        "raw/history.jsonl": "changed\n",
        "raw/images/1.gif": "2",
        "raw/images/2.png": "1",
        "raw/images/3.gif": "2",
        "raw/metadata/1.json": "{} 2",
        "raw/metadata/2.json": "{} 1",
        "raw/metadata/3.json": "{} 2",
        "raw/run.jsonl": "run 1\nrun 2\n",
        "raw/tokens.jsonl": "2\n",
    }


@pytest.mark.parametrize(("number", "there"), [(1, False), (1, True), (2, True)])
def test_a_commit_is_taken_up_wherever_it_was_stopped(
    number: int, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stops = 0
    for move in range(1, 100):
        out = tmp_path / str(move) / "raw"
        if there:
            out.mkdir(parents=True)
        if number == 2:
            one_run(out, number=1)
        with monkeypatch.context() as patched:
            stopped = stopping_at(move)
            for name in ("replace", "rename", "unlink", "rmdir"):
                patched.setattr(Path, name, stopped(getattr(Path, name)))
            try:
                one_run(out, number=number, removed=("images/1.png",) if number == 2 else ())
            except Stopped:
                stops += 1
            else:
                break
        with workspace(out) as work:
            finished = claim(work, CHOICE, restart=False)
        if not finished:
            one_run(out, number=number, removed=("images/1.png",) if number == 2 else ())
        calm = tmp_path / "calm" / "raw"
        if not calm.exists():
            two_runs(calm) if number == 2 else one_run(calm, number=1)
        assert tree(out) == tree(calm), move
    assert stops > 5


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    plan = Plan(
        contract=CONTRACT,
        follows=True,
        minted=frozenset({2**256 - 1}),
        refreshed=frozenset({1, 2}),
        burnt=frozenset({3}),
        everything=True,
    )
    work = Workspace(tmp_path / "raw")
    assert work.read_plan() is None
    work.write_plan(plan)
    assert work.read_plan() == plan


def test_files_that_nobody_recorded_are_removed(tmp_path: Path) -> None:
    with workspace(tmp_path / "raw") as work:
        work.write_plan(Plan(contract=CONTRACT))
        write(work.content / "images/1.png", "torn")
        write(work.content / "images/2.png", "whole")
        work.remove_strays({"images/2.png"}.__contains__)
        assert tree(work.content) == {"images/2.png": "whole"}


def test_only_a_collected_or_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    one_run(tmp_path / "empty", number=1)
    write(tmp_path / "other/tokens.jsonl", "")
    with pytest.raises(CollectError, match="not collected"):
        one_run(tmp_path / "other", number=1)


def test_a_workspace_in_which_nothing_was_begun_is_gone(tmp_path: Path) -> None:
    with pytest.raises(Stopped), workspace(tmp_path / "raw") as work:
        claim(work, CHOICE, restart=False)
        raise Stopped
    assert not any(tmp_path.iterdir())


def test_a_run_that_has_fetched_nothing_gives_way_to_another(tmp_path: Path) -> None:
    for choice in ({"limit": None}, {"limit": 3}):
        with workspace(tmp_path / "raw") as work:
            assert not claim(work, choice, restart=False)
            work.write_plan(Plan(contract=CONTRACT))
            write(work.listing, "")


def test_a_run_can_be_given_up_for_the_same_choice(tmp_path: Path) -> None:
    for restart in (False, True):
        with workspace(tmp_path / "raw") as work:
            assert not claim(work, CHOICE, restart=restart)
            assert (work.read_plan() is None) or not restart
            assert not work.ledger.exists()
            work.write_plan(Plan(contract=CONTRACT))
            write(work.ledger, "a record\n")


def test_a_damaged_plan_is_said_to_be(tmp_path: Path) -> None:
    with workspace(tmp_path / "raw") as work:
        write(work.path / "plan.json", '{"contract": {}}')
        with pytest.raises(CollectError, match=r"plan\.json is damaged .*--restart"):
            work.read_plan()


def test_the_folder_may_be_the_current_one_or_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "disk"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    with monkeypatch.context() as there:
        there.chdir(tmp_path / "here")
        one_run(Path(), number=1)
        assert Path("tokens.jsonl").is_file(), "the folder in which a shell stands is the same"
    one_run(tmp_path / "link", number=1)
    assert (tmp_path / "link").is_symlink()
    assert tree(tmp_path / "here") == tree(tmp_path / "disk")
    assert "tokens.jsonl" in tree(tmp_path / "disk")


def test_a_folder_that_no_rename_can_put_in_place_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_mount", lambda _: True)
    with pytest.raises(CollectError, match="where a disk is mounted; name a folder in it"):
        one_run(tmp_path / "raw", number=1)
    assert not any(tmp_path.iterdir())

"""A full disk, foreign locks, damaged files and a long run, under the real command."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from faults.counts import scaled
from faults.invariant import check_invariant
from faults.table import RowWriter
from faults.test_kills import epochs, slow
from faults.test_locks import assert_locks_end_no_trial

from search.layout import StudyFolder

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

LOCKS_S = (scaled(30), scaled(120))
DISK_MIB = 160
DAMAGES = scaled(40)
MEMORY_TRIALS = scaled(300)
MEMORY_GROWTH_MIB = 50

WaitFor = Callable[..., Any]


@pytest.fixture
def small_disk(project: Project) -> Iterator[Path]:
    """The studies of the project on a file system of their own."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a tmpfs")
    studies = project.root / "studies"
    studies.mkdir()
    size = f"size={DISK_MIB}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", studies], check=True)
    yield studies
    subprocess.run(["umount", "--lazy", studies], check=True)


def fill(folder: Path, *, but_bytes: int = 0) -> Path:
    """Take all that is free, but for some."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for block in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while shutil.disk_usage(folder).free >= but_bytes:
                    file.write(bytes(block))
    return path


def wait_for_line(process: subprocess.Popen[str], text: str) -> None:
    """Read what the command prints up to a line with `text`."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"never: {text}")


def test_full_disk_pauses_a_study_which_goes_on_by_itself(
    project: Project, small_disk: Path, row: RowWriter
) -> None:
    trials = 8
    path = project.study(
        model=slow(0.03), trainer=epochs(4), budget={"trials": trials}, sampler="random"
    )
    process = project.start("run", path)
    for _ in range(3):
        wait_for_line(process, "  done  ")
        # too little for a trial to start, enough for what the study itself writes
        filler = fill(small_disk, but_bytes=8 << 20)
        wait_for_line(process, "paused: ")
        time.sleep(1)
        filler.unlink()
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    check_invariant(project, asked=trials, output=output + errors)
    assert project.states() == ["COMPLETE"] * trials
    row("full disk under a running study", "3 pauses, 0 lost, goes on by itself")


def test_disk_that_fills_up_at_any_moment_loses_nothing(
    project: Project, small_disk: Path, row: RowWriter
) -> None:
    """Not a byte is left: whatever is written next fails, of the coordinator or of an attempt."""
    rounds, trials, told = scaled(10), 30, 0
    chance = random.Random(rounds)
    path = project.study(
        model=slow(0.01), trainer=epochs(4), budget={"trials": trials}, sampler="random"
    )
    for _ in range(rounds):
        process = project.start("run", path)
        wait_for_line(process, "started")
        time.sleep(chance.uniform(0.0, 1.0))
        filler = fill(small_disk)
        try:
            output, errors = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # paused, which is as good
            output, errors = process.communicate(timeout=30)
        finally:
            filler.unlink()
        assert "Traceback" not in output + errors
        if process.returncode != 130:
            told += 1
            assert process.returncode == 2, output + errors
            (line,) = errors.splitlines()
            assert "cannot be written" in line
        check_invariant(project, output=output + errors, cut_off=True)
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    check_invariant(project, asked=trials, output=result.stdout + result.stderr)
    assert project.states() == ["COMPLETE"] * trials
    row(
        "disk with no byte left at a random moment",
        f"{rounds}, {told} ended with one line, the others paused, 0 lost",
    )


def test_foreign_locks_delay_and_end_no_trial(
    project: Project, wait_for: WaitFor, row: RowWriter
) -> None:
    assert_locks_end_no_trial(project, wait_for, LOCKS_S)
    row("foreign locks", f"{', '.join(map(str, LOCKS_S))} s, 0 lost")


def interrupted(project: Project, wait_for: WaitFor) -> Path:
    """A study with finished trials and one in the middle; returns a copy of it."""
    path = project.study(
        model=slow(0.02), trainer=epochs(6), budget={"trials": 4}, sampler="random"
    )
    process = project.start("run", path)
    wait_for(lambda: project.epochs(2) >= 3, "the middle of the third trial")
    process.kill()
    process.communicate()
    return Path(shutil.copytree(project.root / "studies", project.root / "before"))


def damage(path: Path, chance: random.Random) -> str:
    """Change a file as a failing disk does; returns what was done."""
    content = bytearray(path.read_bytes())
    kind = chance.choice(("flipped", "zeroed", "cut"))
    at = chance.randrange(len(content))
    if kind == "cut":
        content = content[:at]
    elif kind == "zeroed":
        content[at : at + 4096] = bytes(len(content[at : at + 4096]))
    else:
        content[at] ^= 1 << chance.randrange(8)
    # a hard link to the same file is another file once one of them is damaged
    path.unlink()
    path.write_bytes(bytes(content))
    return f"{path.name} {kind} at {at} of {len(content)}"


def restored(project: Project, before: Path) -> StudyFolder:
    shutil.rmtree(project.root / "studies")
    shutil.copytree(before, project.root / "studies")
    return StudyFolder(project.root / "studies/study")


def test_damaged_database_is_made_again(
    project: Project, wait_for: WaitFor, row: RowWriter
) -> None:
    before = interrupted(project, wait_for)
    chance = random.Random(1)
    for _ in range(DAMAGES):
        folder = restored(project, before)
        done = damage(folder.db, chance)
        # the log that the killed run left stays beside it, as it does for a user
        rebuilt = project.run("rebuild", "study")
        assert rebuilt.returncode == 0, (done, rebuilt.stderr)
        assert "Traceback" not in rebuilt.stdout + rebuilt.stderr
        check_invariant(project)
    result = project.run("run", "study.yaml", "--quiet")
    assert result.returncode == 0, result.stderr
    check_invariant(project, asked=4, output=result.stderr)
    assert project.states() == ["COMPLETE"] * 4
    row("damaged database, then `search rebuild`", f"{DAMAGES}, 0 lost")


def test_damaged_checkpoint_or_events_file_is_healed_or_told(
    project: Project, wait_for: WaitFor, row: RowWriter
) -> None:
    before = interrupted(project, wait_for)
    chance = random.Random(2)
    told = 0
    restored(project, before)
    assert project.run("run", "study.yaml").returncode == 0
    undamaged = project.curves()
    for _ in range(DAMAGES // 4):
        folder = restored(project, before)
        trial = folder.trial(2)
        files = [path for path in (*trial.checkpoints, trial.events) if path.exists()]
        damaged = chance.sample(files, chance.randint(1, len(files)))
        done = [damage(path, chance) for path in damaged]
        result = project.run("run", "study.yaml")
        output = result.stdout + result.stderr
        assert "Traceback" not in output, done
        if result.returncode == 2:
            told += 1
            (line,) = result.stderr.splitlines()
            assert "events.jsonl: " in line, done
            continue
        assert result.returncode == 0, (done, output)
        assert project.states() == ["COMPLETE"] * 4, done
        # reports that the disk took from the events are in no other place
        if trial.events not in damaged:
            check_invariant(project, asked=4, output=output)
            # neither a fallback nor a start from nothing changes what comes of a trial
            assert project.curves() == undamaged, done
    row(
        "damaged checkpoints and events files",
        f"{DAMAGES // 4}, {told} told in a line, the others healed",
    )


def test_memory_of_the_coordinator_does_not_grow_over_a_long_run(
    project: Project, row: RowWriter
) -> None:
    path = project.study(trainer=epochs(1), budget={"trials": MEMORY_TRIALS}, sampler="random")
    process = project.start("run", path, "--workers", "2", "--quiet")
    sizes: dict[int, int] = {}
    while process.poll() is None:
        time.sleep(0.2)
        try:
            finished = sum(state != "RUNNING" for state in project.states())
            status = Path(f"/proc/{process.pid}/status").read_text()
        except (sqlite3.Error, OSError):  # the study is not there yet, or the process just ended
            continue
        for line in status.splitlines():
            if line.startswith("VmRSS"):
                sizes[finished] = int(line.split()[1]) // 1024
    assert process.returncode == 0
    check_invariant(project, asked=MEMORY_TRIALS)
    early = min(size for count, size in sizes.items() if count >= min(10, MEMORY_TRIALS // 2))
    growth = sizes[max(sizes)] - early
    assert growth < MEMORY_GROWTH_MIB
    row(f"memory of the coordinator over {MEMORY_TRIALS} trials", f"grows by {growth} MiB")


def test_checkpoint_larger_than_the_disk_pauses_a_study_and_ends_no_trial(
    project: Project, small_disk: Path, row: RowWriter
) -> None:
    width = DISK_MIB << 17  # three weights of four bytes each for it
    wide = {"class_path": "tiny.Tiny", "init_args": {"width": width}}
    path = project.study(
        model=wide,
        trainer=epochs(1),
        space={"model.init_args.lr": {"float": [1e-12, 1e-11]}},  # a larger one diverges
        budget={"trials": 2},
        sampler="random",
    )
    process = project.start("run", path)
    wait_for_line(process, "paused: ")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    check_invariant(project, output=output + errors)
    assert project.states() == ["WAITING"]
    assert len([e for e in project.events(0) if e["event"] == "attempt_started"]) == 1
    row("a checkpoint larger than the disk", "paused after its first attempt, 0 lost")

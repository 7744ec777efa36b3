"""What a study was made with: `provenance.json` in its folder, an entry a start.

The first entry is whole, each later one has what differs from those before it. The environment is
never written, and secrets are taken out of everything; see `search.store.provenance.redaction`.
"""

from __future__ import annotations

import json
import platform
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from search.layout import StudyFolder, TrialFolder
from search.plain.tree import as_list, as_mapping
from search.plain.whole_files import write_whole
from search.study_file.trial_config import read_sections

_PACKAGES = (
    "lightning-search",
    "torch",
    "lightning",
    "pytorch-lightning",
    "torchmetrics",
    "optuna",
    "numpy",
)


def gather(
    *,
    class_paths: Iterable[str],
    folders: Sequence[Path],
    study: Path,
    seed: int,
    trial_seed: object,
    cores: int,
) -> dict[str, Any]:
    """What this start is made with.

    Args:
        class_paths: dotted names of the study's classes; their distributions are listed.
        folders: where the user's project may be, the likeliest first; the last is that of the
            study file.
        study: the study's folder, which is no part of the project.
        cores: how many the study may use.
    """
    from search.store.provenance.git import project_state
    from search.store.provenance.machine import this_machine
    from search.store.provenance.redaction import redacted_command

    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "folder": str(folders[-1]),
        "command": redacted_command([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": _versions(class_paths, folders),
        "git": _redacted_state(project_state(folders, study)),
        "machine": this_machine(cores),
        "seed": seed,
        "trial_seed": trial_seed,
    }


def _redacted_state(state: Mapping[str, Any] | None) -> dict[str, object] | None:
    from search.store.provenance.redaction import redacted, redacted_diff

    if state is None:
        return None
    return {**{key: redacted(state[key]) for key in state}, "diff": redacted_diff(state["diff"])}


def note_start(folder: StudyFolder, made: Mapping[str, object]) -> None:
    """Append what this start was made with to the study's file."""
    entries = _entries(folder)
    known = _together(entries)
    changed = _difference(known, made) if entries else dict(made)
    text = json.dumps([*entries, {"time": made["time"], **changed}], indent=1)
    write_whole(folder.provenance, text + "\n")


def read_provenance(folder: StudyFolder) -> dict[str, object] | None:
    """What the latest start was made with; None where nothing is known."""
    return _together(_entries(folder)) or None


def origin(folder: StudyFolder) -> Path | None:
    """The folder of the study file that the study was first run from, which the classes it names
    may be in; None where it is not known, or not on this machine."""
    for entry in reversed(_entries(folder)):
        match entry:
            case {"folder": str(place)} if Path(place).is_dir():
                if Path(place) != folder.root.absolute():
                    return Path(place)
    return None


def installed(name: str) -> str | None:
    """The version of a package; None where it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def summary(made: Mapping[str, object]) -> list[tuple[str, str]]:
    """What a study was made with in a few lines, each a label and a text for people.

    Args:
        made: of `read_provenance`; a stranger's file may hold anything.
    """
    packages = as_mapping(made.get("packages"))
    names = [f"{name} {number}" for name, number in packages.items() if number is not None]
    return [
        ("packages", ", ".join([str(made.get("python", "")), *names])),
        ("project", _project(as_mapping(made.get("git")))),
        ("machine", _machine(as_mapping(made.get("machine")))),
        ("command", shlex.join(map(str, as_list(made.get("command"))))),
    ]


def trial_seed(folder: TrialFolder) -> int | bool | None:
    """What a trial is seeded with, from its configuration; None where that is not written yet."""
    return read_sections(folder.config).seed_everything if folder.config.is_file() else None


def _project(git: Mapping[str, object]) -> str:
    if not git:
        return "not under git"
    revision, changed = git.get("revision"), git.get("files_changed")
    changes = "changes not known" if changed is None else f"{changed} changed or new files"
    return f"git {str(revision)[:12] if revision else 'without a commit'}, {changes}"


def _machine(machine: Mapping[str, object]) -> str:
    counts = Counter(map(str, as_list(machine.get("gpus"))))
    memory_bytes = machine.get("memory_bytes")
    parts = [
        str(machine.get("cpu", "")),
        f"{machine.get('cores')} cores",
        f"{memory_bytes / 2**30:.0f} GiB" if isinstance(memory_bytes, int) else "",
        *(f"{count} x {name}" for name, count in counts.items()),
        str(machine.get("system", "")),
    ]
    return ", ".join(part for part in parts if part)


def _entries(folder: StudyFolder) -> list[dict[str, object]]:
    """The entries of the file; a file that was damaged counts as none, results do not need it."""
    if not folder.provenance.is_file():
        return []
    try:
        entries = json.loads(folder.provenance.read_text("utf-8"))
    except (ValueError, RecursionError):
        return []
    is_whole = isinstance(entries, list) and all(isinstance(each, dict) for each in entries)
    return entries if is_whole else []


def _together(entries: Iterable[Mapping[str, object]]) -> dict[str, object]:
    whole: dict[str, object] = {}
    for entry in entries:
        for key, value in entry.items():
            match whole.get(key), value:
                case dict() as old, dict() as new:
                    whole[key] = {**old, **new}
                case _:
                    whole[key] = value
    return whole


def _difference(known: Mapping[str, object], made: Mapping[str, object]) -> dict[str, object]:
    changed: dict[str, Any] = {}
    for key, value in made.items():
        match known.get(key), value:
            case dict() as old, dict() as new:
                inside = {name: None for name in old if name not in new}
                inside |= {name: each for name, each in new.items() if old.get(name) != each}
                if inside:
                    changed[key] = inside
            case old, _ if old != value:
                changed[key] = value
    return changed


def _versions(class_paths: Iterable[str], folders: Iterable[Path]) -> dict[str, str]:
    found = {name: installed(name) for name in _PACKAGES}
    local = {path.stem for folder in folders for path in folder.iterdir()}
    tops = {path.partition(".")[0] for path in class_paths} - local - {"search"}
    unnamed = [top for top in sorted(tops) if top.replace("_", "-") not in found]
    # it reads the files of every distribution, which takes a few tenths of a second
    owners = packages_distributions() if unnamed else {}
    found |= {name: installed(name) for top in unnamed for name in owners.get(top, ())}
    return {name: number for name, number in found.items() if number is not None}

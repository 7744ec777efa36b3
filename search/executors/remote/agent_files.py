"""The files by which an agent is found and finds out where it is, on the disk of the study."""

from __future__ import annotations

import secrets
from pathlib import Path

from search.plain.whole_files import make_folder, write_whole

_SEAL = "seal"


def announce(folder: Path, name: str, socket: Path) -> None:
    """Write where an agent of this name listens on its machine."""
    write_whole(announcement_of(folder, name), f"{socket}\n")


def announcement_of(folder: Path, name: str) -> Path:
    """The file that says where an agent listens on its machine."""
    return folder / f"{name}.socket"


def server_log_of(folder: Path, name: str) -> Path:
    """The log of an agent's fork server."""
    return folder / f"{name}.server.log"


def write_seal(folder: Path) -> str:
    """Put a text into the folder of the agents, by which they know it; returns the text."""
    make_folder(folder)
    text = secrets.token_hex(16)
    write_whole(folder / _SEAL, text)
    return text


def has_seal(folder: Path, text: str) -> bool:
    """Whether a folder is the one of that seal."""
    try:
        return (folder / _SEAL).read_text("ascii") == text
    except (OSError, ValueError):
        return False


def end_of_output(folder: Path, name: str) -> str:
    """The file of an agent's output, and in words the last line in it."""
    path = folder / f"{name}.txt"
    try:
        lines = path.read_text("utf-8", errors="replace").split("\n")
    except OSError:
        return str(path)
    said = [line.strip() for line in lines if line.strip()]
    return f"{path}, which ends with: {said[-1][:200]}" if said else str(path)

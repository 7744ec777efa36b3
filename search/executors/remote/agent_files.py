"""The files by which an agent is found and finds out where it is: on the disk of the study, or on
its own machine where that does not see it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from pathlib import Path

from search.errors import UserError
from search.plain.whole_files import PRIVATE_FOLDER, make_folder, write_whole

_SEAL = "seal"
_SOCKET = ".socket"


def announce(folder: Path, name: str, socket: Path) -> None:
    """Write where an agent of this name listens on its machine.

    Raises:
        UserError: another user has taken the place for it.
    """
    written = announcement_of(folder, name)
    if not os.access(folder, os.W_OK | os.X_OK):
        _make_own_place()
        written = _own_announcement_of(folder, name)
    write_whole(written, f"{socket}\n")


def announced(folder: Path, name: str) -> str | None:
    """The socket of an agent of this machine; None as long as it has said none."""
    places = [announcement_of(folder, name)]
    if _is_own(_own_place()):
        places.append(_own_announcement_of(folder, name))
    for place in places:
        # on a network disk a folder is not looked at anew at once
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            return place.read_text("utf-8").rstrip("\n")
    return None


def withdraw(folder: Path, name: str) -> None:
    """Remove what an agent has said of itself outside of the study's disk."""
    if not _is_own(_own_place()):
        return
    _own_announcement_of(folder, name).unlink(missing_ok=True)
    for left in _own_place().glob(f"*{_SOCKET}"):
        with contextlib.suppress(OSError):
            # of an agent that was killed
            if not Path(left.read_text("utf-8").rstrip("\n")).exists():
                left.unlink()
    with contextlib.suppress(OSError):
        _own_place().rmdir()


def announcement_of(folder: Path, name: str) -> Path:
    """The file that says where an agent listens on its machine."""
    return folder / f"{name}{_SOCKET}"


def _own_place() -> Path:
    # not the temporary folder, which is another one for each step of a job where a site says so
    return Path("/tmp") / f"search-agents-{os.geteuid()}"


def _own_announcement_of(folder: Path, name: str) -> Path:
    digest = hashlib.blake2b(os.fsencode(folder), digest_size=8).hexdigest()
    return _own_place() / f"{digest}-{name}{_SOCKET}"


def _make_own_place() -> None:
    place = _own_place()
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=PRIVATE_FOLDER)
    if not _is_own(place):
        raise UserError(f"{place}: is another user's. Have it removed.")


def _is_own(place: Path) -> bool:
    """Whether a folder is this user's, and nobody else may write there."""
    try:
        status = place.lstat()
    except FileNotFoundError:
        return False
    is_private = not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and is_private


def other_name(name: str, number: int) -> str:
    """The name of the agent on another machine of the allocation of the one of this name.

    Args:
        number: of the machine, from 1.
    """
    return f"{name}.{number}"


def relay_name(name: str, number: int) -> str:
    """The name of the way to it, where the engine keeps one on the first machine."""
    return f"{other_name(name, number)}.way"


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
    return with_its_end(folder / f"{name}.txt")


def with_its_end(path: Path) -> str:
    """A file of output, and in words the last line in it."""
    try:
        lines = path.read_text("utf-8", errors="replace").split("\n")
    except OSError:
        return f"{path}, which is not there: it stayed where the agent was"
    said = [line.strip() for line in lines if line.strip()]
    return f"{path}, which ends with: {said[-1][:200]}" if said else str(path)

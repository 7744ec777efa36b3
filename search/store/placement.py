"""Where on a machine a study can live: writable, on a disk of its own, with space left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from search.errors import StorageError
from search.layout import StudyFolder

# on these another machine may open the same file. Not here: 9p and virtiofs, a virtual machine's
# view of its host's disk
_NETWORK_FILE_SYSTEMS = frozenset(
    [
        "nfs",
        "nfs3",
        "nfs4",
        "cifs",
        "smb2",
        "smb3",
        "smbfs",
        "afs",
        "ncpfs",
        "davfs",
        "fuse.sshfs",
        "lustre",
        "gpfs",
        "beegfs",
        "ceph",
        "fuse.ceph",
        "fuse.ceph-fuse",
        "fuse.glusterfs",
    ]
)


def check_writable(root: Path) -> None:
    """Make sure that a study folder can be made or written.

    Raises:
        StorageError: it cannot.
    """
    place = _existing(root)
    if not place.is_dir():
        raise StorageError(f"{place}: is not a folder. Remove it or name another place.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise StorageError(f"{place}: cannot be written to. Change its permissions.")


def check_readable(root: Path) -> None:
    """Make sure that a folder, if it is there, can be looked into.

    Raises:
        StorageError: it cannot.
    """
    # of a name that no folder can have, access says no where is_dir raises
    is_there = os.access(root, os.F_OK) and root.is_dir()
    if is_there and not os.access(root, os.R_OK | os.X_OK):
        raise StorageError(f"{root}: cannot be read. Change its owner or its permissions.")


def refuse_links(folder: StudyFolder) -> None:
    """Make sure that what is written in a study's folder stays there: its files are no links.

    Raises:
        StorageError: one of them is a link, as a study folder from a stranger may hold.
    """
    # what lies deeper in `logs` is the loggers' own, and W&B makes links there
    places = [folder.root, folder.logs, folder.trials]
    places += [*_folders_in(folder.trials), *_folders_in(folder.probes)]
    for place in places:
        if not place.is_dir():
            continue
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise StorageError(
                        f"{entry.path}: is a link, which could lead out of the study. "
                        "Replace it by what it leads to."
                    )


def _folders_in(place: Path) -> list[Path]:
    return [each for each in place.iterdir() if each.is_dir()] if place.is_dir() else []


def is_on_network(path: Path, mounts: Iterable[tuple[str, str]] | None = None) -> bool:
    """Whether a file is, or would be, on a network file system.

    Args:
        mounts: mount point and type of each file system; this machine's without it.
    """
    place = _existing(path.absolute()).resolve()
    if mounts is None:
        # many commands look at places, few at mounts
        import psutil

        mounts = [(each.mountpoint, each.fstype) for each in psutil.disk_partitions(all=True)]
    holding = [(point, kind) for point, kind in mounts if place.is_relative_to(point)]
    _, kind = max(holding, key=lambda each: len(each[0]), default=("", ""))
    return kind.lower() in _NETWORK_FILE_SYSTEMS


def free_bytes(root: Path) -> int:
    """Bytes that may still be written where `root` is or will be."""
    return shutil.disk_usage(_existing(root)).free


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path

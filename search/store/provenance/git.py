"""What git says of a user's project: revision, changed files, the difference. Never fails."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path

_TIMEOUT_S = 2.0
MAX_BYTES = 200_000
MAX_FILES = 200
# files that are kept for what is secret in them
_SECRET_FILES = (
    *(".env", ".env.*", "*.env", ".envrc", ".flaskenv"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.gpg", "*.asc"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc", ".pgpass", ".my.cnf"),
    *(".npmrc", ".pypirc", ".htpasswd", ".git-credentials", ".dockercfg", "kubeconfig*"),
    *("*credentials", "*credentials.*", "*secret.*", "*secrets.*", "client_secret*.json"),
    *("*service_account*.json", "*service-account*.json", "*.tfvars", "*.tfstate"),
    *(".aws/**", ".ssh/**", ".kube/**", ".gnupg/**", ".docker/**", "secrets/**"),
)
# nothing that the project configures is run, and no lock of a git that works here is taken
_GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotepath=false")


def project_state(folders: Iterable[Path], left_out: Path) -> dict[str, object] | None:
    """The state of the first of `folders` that git has under control; None if none is.

    Args:
        folders: where the project may be.
        left_out: a folder inside that is not looked at.

    Returns:

        `revision` is None before the first commit. `files` are the changed and the new ones, at
        most `MAX_FILES` of the `files_changed` that there are; both are None where git took too
        long. `diff` is at most `MAX_BYTES` long, `diff_is_whole` says whether that is all of it;
        `left_out` are changed files that are not in it because they are known to hold secrets.
    """
    for folder in folders:
        root = _text(folder, "rev-parse", "--show-toplevel")
        if root:
            return _state(Path(root), left_out.absolute())
    return None


def _state(root: Path, left_out: Path) -> dict[str, object]:
    where = ["--", "."]
    if left_out.is_relative_to(root):
        where.append(f":(exclude,literal){left_out.relative_to(root)}")
    revision = _text(root, "rev-parse", "--verify", "--quiet", "HEAD") or None
    status = _output(root, "status", "--porcelain", "--untracked-files=normal", *where)
    files = None if status is None else status.decode(errors="replace").splitlines()
    diff: bytes | None = b""
    secret: list[str] = []
    if revision is not None:
        asked = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD")
        hidden = [f":(exclude,glob,icase)**/{name}" for name in _SECRET_FILES]
        diff = _output(root, *asked, *where, *hidden)
        named = [f":(glob,icase)**/{name}" for name in _SECRET_FILES]
        secret = _text(root, *asked, "--name-only", "--", *named, *where[2:]).splitlines()
    return {
        "root": str(root),
        "revision": revision,
        "files_changed": None if files is None else len(files),
        "files": None if files is None else files[:MAX_FILES],
        "diff": (diff or b"")[:MAX_BYTES].decode(errors="replace"),
        "left_out": secret[:MAX_FILES],
        "diff_is_whole": diff is not None and len(diff) <= MAX_BYTES,
    }


def _text(folder: Path, *arguments: str) -> str:
    return (_output(folder, *arguments) or b"").decode(errors="replace").strip()


def _output(folder: Path, *arguments: str) -> bytes | None:
    """What git prints, not much more than `MAX_BYTES` of it; None if it is not here, refuses, or
    takes too long."""
    try:
        process = subprocess.Popen(
            [*_GIT, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
    timer = threading.Timer(_TIMEOUT_S, process.kill)
    timer.start()
    with process:
        assert process.stdout is not None
        output = process.stdout.read(MAX_BYTES + 1)
        if is_cut := len(output) > MAX_BYTES:
            process.kill()
    timer.cancel()
    return output if is_cut or process.returncode == 0 else None

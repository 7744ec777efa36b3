"""What a refusal is: one clear line that names the place, and nothing on disk changed."""

from __future__ import annotations

from pathlib import Path

from conftest import Project

# what every run and every reader of a WAL database may write beside the inputs
OWN = {".lock", "server.log", "study.db-shm", "study.db-wal"}


def contents(root: Path) -> dict[str, bytes | None]:
    """Every file below `root` with its bytes, and every folder with None."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
        if path.name not in OWN and "__pycache__" not in path.parts
    }


def refused(project: Project, *arguments: str, place: str, code: int = 2) -> None:
    """Run the command: it must name `place` in one line, and leave every file as it was."""
    before = contents(project.root)
    result = project.run(*arguments)
    output = result.stdout + result.stderr
    assert "Traceback" not in output
    assert "hunter2" not in output
    assert result.returncode == code, output
    (line,) = result.stderr.splitlines()
    assert line.isprintable()
    assert place in line
    assert contents(project.root) == before

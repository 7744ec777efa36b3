"""The user's own script, as a command names it: `train.py`, `-m my_package.train`, or the whole
command that runs it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from search.errors import UserError

_PYTHON = re.compile(r"python[\d.]*")
_MODULE = "-m"
_MAIN_GUARD = re.compile(r"^if\s+__name__\s*==", re.MULTILINE)


def named_script(word: str | None, module: str | None) -> dict[str, str] | None:
    """The section `script` for a script that is named in place or with -m; None where none is.

    Raises:
        UserError: two are named, or one with arguments of its own.
    """
    if module is not None:
        if word is not None:
            raise UserError(f"-m: names {module}, and the command names {word}. Name one.")
        return {"module": module}
    return None if word is None else _in_place(word)


def script_to_propose(word: str | None, module: str | None) -> dict[str, str] | None:
    """The lines of a study file for a script; a module by its name alone is one where its file runs
    something. None where a class is meant.

    Raises:
        UserError: as `named_script`, or there is no such file.
    """
    script = named_script(word, module)
    if script is None:
        return {"module": word} if word is not None and _runs(word) else None
    refuse_missing(script)
    return script if "module" in script else {"script": script["path"]}


def refuse_missing(script: dict[str, str]) -> None:
    """Refuse a script whose file is not there.

    Raises:
        UserError: it is not.
    """
    if "path" in script and not Path(script["path"]).is_file():
        raise UserError(f"{script['path']}: no such file. Write the path of the script from here.")


def _runs(word: str) -> bool:
    """Tell whether a dotted name is that of a module with a main guard, or with a call of fit."""
    path = Path(*word.split(".")).with_suffix(".py")
    if not all(part.isidentifier() for part in word.split(".")) or not path.is_file():
        return False
    text = path.read_text("utf-8", errors="replace")
    return _MAIN_GUARD.search(text) is not None or ".fit(" in text


def study_name_of(script: dict[str, str]) -> str:
    """The name of the study of a script: its file's, without folder and ending."""
    if "module" in script:
        return script["module"].rpartition(".")[2]
    return Path(script["path"]).stem


def _in_place(word: str) -> dict[str, str] | None:
    try:
        first, *rest = shlex.split(word)
    except ValueError:
        # no word at all, or a quotation mark without its end: no command either way
        return None
    if rest and _PYTHON.fullmatch(Path(first).name):
        first, *rest = rest
    is_module = first == _MODULE and bool(rest)
    if is_module:
        first, *rest = rest
    if not is_module and Path(first).suffix != ".py":
        return None
    if rest and not Path(word).exists():
        raise UserError(
            f"{word}: names arguments of the script, got {shlex.join(rest)}. Name the script "
            "alone, and write its arguments under arguments, as in --set --epochs=20."
        )
    return {"module": first} if is_module else {"path": word if rest else first}

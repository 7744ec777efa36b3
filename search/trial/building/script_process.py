"""A process as a script of the user's own finds it: `__main__`, command line, import path."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType

from search.errors import UserError
from search.study_file.scripts import command_line
from search.study_file.trial_config import ScriptRun
from search.trial.process.loaded_sources import is_users_own

# the folder of an attempt for what Hydra writes
_HYDRA_FOLDER = "hydra"


@dataclass(frozen=True)
class _Source:
    """A script that is ready to run."""

    code: CodeType
    file: str
    # the folder that Python puts first on the import path; None for a module
    folder: str | None
    spec: ModuleSpec | None


def run_as_main(script: ScriptRun, folder: Path) -> None:
    """Run a script to its end as Python does; the process keeps what it leaves behind, whose
    classes are those of `__main__`.

    Args:
        folder: takes what Hydra writes.

    Raises:
        UserError: there is no such script.
        Whatever the script raises.
    """
    source = _source(script)
    _forget_users_modules()
    main = ModuleType("__main__")
    main.__file__ = source.file
    main.__spec__ = source.spec
    main.__package__ = None if source.spec is None else source.spec.parent
    sys.modules["__main__"] = main
    sys.argv = [source.file, *words_of(script, folder)]
    if source.folder is not None and sys.path[:1] != [source.folder]:
        sys.path.insert(0, source.folder)
    exec(source.code, vars(main))


@contextlib.contextmanager
def as_it_was() -> Iterator[None]:
    """Let the process be as it was, once the block is over."""
    before = sys.modules["__main__"], sys.argv, list(sys.path), Path.cwd()
    try:
        yield
    finally:
        sys.modules["__main__"], sys.argv, sys.path[:], folder = before
        os.chdir(folder)


def words_of(script: ScriptRun, folder: Path) -> list[str]:
    """The words after the script in a trial of this folder."""
    if script.overrides is None:
        return command_line(script.arguments)
    own = [*script.overrides, f"hydra.run.dir={folder.absolute() / _HYDRA_FOLDER}"]
    return command_line(script.arguments, [*own, "hydra.mode=RUN"])


def modules_of_script() -> dict[str, ModuleType]:
    """The modules that a script has imported of its user's own code, by their names."""
    known = _known_before()
    return {
        name: module
        for name, module in list(sys.modules.items())
        if name not in known and is_users_own(module)
    }


def _source(script: ScriptRun) -> _Source:
    if script.module is not None:
        return _module_source(script.module)
    path = Path(str(script.path))
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UserError(f"script: {path}: {error.strerror}. Write the path from here.") from error
    file = str(path.absolute())
    return _Source(compile(text, file, "exec"), file, str(path.absolute().parent), None)


def _module_source(name: str) -> _Source:
    spec = _spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = _spec(f"{name}.__main__")
    loader = None if spec is None else spec.loader
    code = loader.get_code(spec.name) if spec and isinstance(loader, InspectLoader) else None
    if spec is None or code is None or spec.origin is None:
        raise UserError(
            f"script: there is no module {name} to run. Write module: my_package.train."
        )
    return _Source(code, spec.origin, None, spec)


def _spec(name: str) -> ModuleSpec | None:
    with contextlib.suppress(ModuleNotFoundError):
        return importlib.util.find_spec(name)
    return None


def _forget_users_modules() -> None:
    """Let the user's own modules be imported anew: what they read of a command line when they were
    imported is of another trial, or of none."""
    for name in modules_of_script():
        del sys.modules[name]
    # one that was there before the first script is the caller's, and stays
    if "hydra.core.global_hydra" in sys.modules:
        sys.modules["hydra.core.global_hydra"].GlobalHydra.instance().clear()


@lru_cache(maxsize=1)
def _known_before() -> frozenset[str]:
    return frozenset(sys.modules)

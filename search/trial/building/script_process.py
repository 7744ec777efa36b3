"""A process as a script of the user's own finds it: `__main__`, command line, import path."""

from __future__ import annotations

import contextlib
import importlib.util
import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import torch

from search.errors import UserError
from search.study_file.scripts import command_line, hydra_folder
from search.study_file.trial_config import ScriptRun
from search.trial.process.import_path import WORKING_FOLDER
from search.trial.process.loaded_sources import is_users_own

# the folder of an attempt for what Hydra writes
_HYDRA_FOLDER = "hydra"
# where a script's module keeps what was before it
_BEFORE = "__search_before__"


@dataclass(frozen=True)
class _Source:
    """A script that is ready to run."""

    code: CodeType
    file: str
    spec: ModuleSpec | None


@dataclass(frozen=True)
class _Before:
    """A process before a script ran in it."""

    modules: frozenset[str]
    path: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    dtype: torch.dtype
    precision: str
    start_method: str | None
    # Hydra's resolvers by name; None where nobody has imported them yet
    resolvers: Mapping[str, Any] | None

    @staticmethod
    def now() -> _Before:
        """The process as it is."""
        resolvers = _resolvers()
        return _Before(
            modules=frozenset(sys.modules),
            path=tuple(sys.path),
            folder=Path.cwd(),
            environment=dict(os.environ),
            dtype=torch.get_default_dtype(),
            precision=torch.get_float32_matmul_precision(),
            start_method=multiprocessing.get_start_method(allow_none=True),
            resolvers=None if resolvers is None else dict(resolvers),
        )

    def restore(self) -> None:
        """Let the next script find the process as the first did.

        The user's own modules are imported anew: what they read of a command line when they were
        imported is of another trial, or of none.
        """
        for name in modules_of_script():
            del sys.modules[name]
        sys.path[:] = self.path
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        torch.set_default_dtype(self.dtype)
        torch.set_float32_matmul_precision(self.precision)
        multiprocessing.set_start_method(self.start_method, force=True)
        if "hydra.core.global_hydra" in sys.modules:
            sys.modules["hydra.core.global_hydra"].GlobalHydra.instance().clear()
        resolvers = _resolvers()
        if resolvers is not None and self.resolvers is not None:
            for name in resolvers.keys() - self.resolvers.keys():
                del resolvers[name]


def run_as_main(script: ScriptRun, folder: Path) -> None:
    """Run a script to its end as Python does; the process keeps what it leaves behind, whose
    classes are those of `__main__`, until the next script.

    Args:
        folder: takes what Hydra writes.

    Raises:
        UserError: there is no such script.
        Whatever the script raises.
    """
    before = _before()
    if before is None:
        before = _Before.now()
    else:
        before.restore()
    main = ModuleType("__main__")
    setattr(main, _BEFORE, before)
    sys.modules["__main__"] = main
    path = None if script.path is None else str(Path(script.path).absolute())
    sys.argv = [path or str(script.module), *words_of(script, folder)]
    if path is not None:
        sys.path.insert(0, str(Path(path).parent))
    # for the processes that the script starts itself, and for its ranks
    os.environ.pop("PYTHONSAFEPATH", None)
    os.environ[WORKING_FOLDER] = str(Path.cwd())
    source = _source(script)
    main.__file__ = sys.argv[0] = source.file
    main.__spec__ = source.spec
    main.__package__ = None if source.spec is None else source.spec.parent
    exec(source.code, vars(main))


@contextlib.contextmanager
def as_it_was() -> Iterator[None]:
    """Let the process be as it was, once the block is over."""
    main, words, before = sys.modules["__main__"], sys.argv, _Before.now()
    try:
        yield
    finally:
        before.restore()
        sys.modules["__main__"], sys.argv = main, words


def _before() -> _Before | None:
    """The process before the first of its scripts; None where none ran."""
    before: _Before | None = getattr(sys.modules["__main__"], _BEFORE, None)
    return before


def _resolvers() -> dict[str, Any] | None:
    """The resolvers of OmegaConf, whose registration fails where it is repeated; no public function
    removes a single one."""
    base = sys.modules.get("omegaconf.basecontainer")
    return None if base is None else base.BaseContainer._resolvers


def words_of(script: ScriptRun, folder: Path) -> list[str]:
    """The words after the script in a trial of this folder."""
    if script.overrides is None:
        return command_line(script.arguments)
    words = command_line(script.arguments, list(script.overrides))
    return [*words, hydra_folder(folder / _HYDRA_FOLDER)]


def modules_of_script() -> dict[str, ModuleType]:
    """The modules that a script has imported of its user's own code, by their names."""
    before = _before()
    known = frozenset() if before is None else before.modules
    return {
        name: module
        for name, module in list(sys.modules.items())
        if before is not None and name not in known and is_users_own(module)
    }


def _source(script: ScriptRun) -> _Source:
    if script.module is not None:
        return _module_source(script.module)
    path = Path(str(script.path)).absolute()
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UserError(f"script: {path}: {error.strerror}. Write the path from here.") from error
    # without this file's own __future__
    return _Source(compile(text, str(path), "exec", dont_inherit=True), str(path), None)


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
    return _Source(code, spec.origin, spec)


def _spec(name: str) -> ModuleSpec | None:
    """The specification of a module; its packages are imported."""
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        # else a package of the user's lacks something
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
    return None

"""`search init`: a study file proposed from the user's own classes and configuration."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from search.engine.inspect_classes import describe
from search.errors import UserError
from search.plain.whole_files import write_whole
from search.plain.yaml import parse_yaml
from search.proposal.proposed_file import Guess, guess_metric, missing, proposed_file, searched
from search.study_file.load import parse_study_tree, whole_tree

_DIRECTIONS = ("minimize", "maximize")


@dataclass(frozen=True)
class InitOptions:
    """The options of `search init`, as they were typed."""

    module: str | None = None
    data: str | None = None
    config: Path | None = None
    cli: str | None = None
    output: Path = Path("study.yaml")
    force: bool = False


def init_command(options: InitOptions) -> None:
    """Write a proposed study file.

    Raises:
        UserError: nothing to propose from, or the file exists already.
    """
    output = options.output
    if output.exists() and not options.force:
        raise UserError(f"{output}: exists already. Name another with -o, or add --force.")
    if not output.parent.is_dir():
        raise UserError(f"-o: there is no folder {output.parent}. Make it, or correct the path.")
    sections = _sections(options)
    tree = whole_tree(sections, output)
    if tree.get("model") is None and tree.get("cli") is None:
        raise UserError(
            f"{options.config}: names no model. Add the class, as in "
            "`search init my_package.module:MyModule --config config.yaml`, or the CLI that "
            "knows it: --cli train:main."
        )
    folders = [output.parent.absolute(), Path.cwd()]
    description = describe(tree, folders, str(options.config or "init"))
    guess = _asked(guess_metric(description))
    text = proposed_file(sections, tree, description, guess, _command(options))
    proposed = parse_yaml(text, str(output))
    parse_study_tree(whole_tree(proposed, output), source=str(output), default_name=output.stem)
    write_whole(output, text, mode=0o666)
    count = searched(description)
    print(f"{output}: {count} searched, {guess.metric} to {guess.direction}. {guess.why}")
    if description.lacks_data:
        print(f"{output}: has no data, and the module none of its own. Add it under data.")
    for path in missing(description, tree):
        print(f"{output}: {path} has no default. Give it a value before you go on.")
    print(f"Next: search check {shlex.quote(str(output))}")


def _sections(options: InitOptions) -> dict[str, Any]:
    """What the study file itself says of model, data and base."""
    if options.module is None and options.config is None:
        raise UserError(
            "init: needs a module, as in `search init my_package.module:MyModule`, or a "
            "LightningCLI configuration: `search init --config config.yaml`. Give one."
        )
    sections: dict[str, Any] = {}
    if options.config is not None:
        relative = os.path.relpath(options.config, options.output.parent)
        sections["base"] = Path(relative).as_posix()
    if options.cli is not None:
        sections["cli"] = options.cli
    for key, name in (("model", options.module), ("data", options.data)):
        if name is not None:
            sections[key] = {"class_path": _class_path(name)}
    if options.config is None:
        sections["trainer"] = {"max_epochs": 20}
    return sections


def _class_path(name: str) -> str:
    """The import path of `module:Class`; of a module alone, whose classes are then told."""
    path = name.replace(":", ".")
    file, _, cls = name.partition(":")
    if not file.endswith(".py") and all(part.isidentifier() for part in path.split(".")):
        return path
    module = ".".join(Path(file).with_suffix("").parts) if file.endswith(".py") else ""
    if all(part.isidentifier() for part in module.split(".")):
        spelt = f"{module}:{cls or 'MyModule'}"
    else:
        spelt = "my_package.module:MyModule"
    raise UserError(f"{name}: must be module:Class, got {name}. Write {spelt}.")


def _asked(guess: Guess) -> Guess:
    """On a terminal the user may correct the guess; elsewhere it stands."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return guess
    metric = input(f"metric [{guess.metric}]: ").strip() or guess.metric
    direction = input(f"minimize or maximize [{guess.direction}]: ").strip() or guess.direction
    matching = [each for each in _DIRECTIONS if each.startswith(direction.lower())]
    if len(matching) == 1 and len(direction) > 1:
        return replace(guess, metric=metric, direction=matching[0])
    raise UserError(f"direction: must be minimize or maximize, got {direction}. Answer again.")


def _command(options: InitOptions) -> str:
    given: Mapping[str, object] = {
        "": options.module,
        "--data": options.data,
        "--config": options.config and os.path.relpath(options.config),
        "--cli": options.cli,
    }
    words = [
        word for option, value in given.items() if value is not None for word in (option, value)
    ]
    return shlex.join(["search", "init", *(str(word) for word in words if word)])

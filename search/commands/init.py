"""`search init`: a study file proposed from the user's own script, or from classes and
configuration."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search.commands.named_script import script_to_propose
from search.commands.options import ScriptModule
from search.errors import UserError
from search.study_file.objective import DIRECTIONS

if TYPE_CHECKING:
    from search.proposal.proposed_file import Guess


def init(
    module: Annotated[
        str | None,
        typer.Argument(
            help="Script, such as train.py, or LightningModule, as my_package.module:MyModule.",
            show_default=False,
        ),
    ] = None,
    script_module: ScriptModule = None,
    data: Annotated[
        str | None,
        typer.Option("--data", help="LightningDataModule, spelt likewise.", show_default=False),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="LightningCLI configuration.", show_default=False),
    ] = None,
    cli: Annotated[
        str | None,
        typer.Option("--cli", help="Your own CLI, as train:MyCLI.", show_default=False),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path(
        "study.yaml"
    ),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Propose a study file for a script, a module, or a LightningCLI configuration."""
    from search.engine.ask import INSPECT, ask_once
    from search.plain.whole_files import write_whole
    from search.plain.yaml import parse_yaml
    from search.proposal.proposed_file import (
        count_searched,
        guess_metric,
        missing_arguments,
        proposed_file,
    )
    from search.study_file.load import parse_study_tree, whole_tree
    from search.study_file.short_forms import spell_out

    if output.exists() and not force:
        raise UserError(f"{output}: exists already. Name another with -o, or add --force.")
    if not output.parent.is_dir():
        raise UserError(f"-o: there is no folder {output.parent}. Make it, or correct the path.")
    script = script_to_propose(module, script_module)
    if script is None:
        sections = _sections(module, data, config, cli, output)
    else:
        _refuse_beside_script(data, config, cli)
        sections = dict(script)
    tree, _ = spell_out(whole_tree(sections, output))
    if script is None and tree.get("model") is None and tree.get("cli") is None:
        raise UserError(
            f"{config}: names no model. Add the class, as in "
            "`search init my_package.module:MyModule --config config.yaml`, or the CLI that "
            "knows it: --cli train:main."
        )
    folders = [output.parent.absolute(), Path.cwd()]
    place = str(config or "init")
    if script is not None:
        folders.insert(0, Path(script.get("script", "")).absolute().parent)
    description = ask_once(INSPECT, _sections_to_look_at(tree), place=place, sys_path=folders)
    if description.is_hydra:
        tree["hydra"] = {"overrides": list(description.hydra_overrides)}
    if description.is_hydra and not count_searched(description):
        raise UserError(
            f"{module or script_module}: has no value whose name says that it is a "
            "hyperparameter. Write the study file yourself: script, hydra: true, objective, space."
        )
    guess = _asked(guess_metric(description))
    command = _command(module, script_module, data, config, cli)
    text = proposed_file(sections, tree, description, guess, command)
    proposed = parse_yaml(text, str(output))
    parse_study_tree(whole_tree(proposed, output), source=str(output), default_name=output.stem)
    write_whole(output, text, mode=0o666)
    count = count_searched(description)
    print(f"{output}: {count} searched, {guess.metric} to {guess.direction}. {guess.why}")
    if description.lacks_data:
        print(f"{output}: has no data, and the module none of its own. Add it under data.")
    for path in missing_arguments(description, tree):
        print(f"{output}: {path} has no default. Give it a value before you go on.")
    print(f"Next: search check {shlex.quote(str(output))}")


def _refuse_beside_script(data: str | None, config: Path | None, cli: str | None) -> None:
    """Refuse options that are of classes.

    Raises:
        UserError: one is given.
    """
    for option, value in (("--data", data), ("--config", config), ("--cli", cli)):
        if value is not None:
            raise UserError(f"{option}: a script makes that itself, got {value}. Leave it out.")


def _sections_to_look_at(tree: Mapping[str, object]) -> dict[str, object]:
    """The sections that name classes or a script, as the configuration of a trial has them."""
    from search.study_file.lightning_sections import cli_tree

    config = {key: value for key, value in tree.items() if key not in ("objective", "space")}
    if config.get("cli") is not None:
        config["cli"] = cli_tree(config["cli"])
    return config


def _sections(
    module: str | None, data: str | None, config: Path | None, cli: str | None, output: Path
) -> dict[str, object]:
    """The sections that the study file itself has."""
    if module is None and config is None:
        raise UserError(
            "init: needs a script, as in `search init train.py`, a module, as in `search init "
            "my_package.module:MyModule`, or a LightningCLI configuration: `search init --config "
            "config.yaml`. Give one."
        )
    sections: dict[str, object] = {}
    if config is not None:
        relative = os.path.relpath(config, output.parent)
        sections["base"] = Path(relative).as_posix()
    if cli is not None:
        sections["cli"] = cli
    for key, name in (("model", module), ("data", data)):
        if name is not None:
            sections[key] = {"class_path": _class_path(name)}
    if config is None:
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
    matching = [each for each in DIRECTIONS if each.startswith(direction.lower())]
    if len(matching) == 1 and len(direction) > 1:
        return replace(guess, metric=metric, direction=matching[0])
    raise UserError(f"direction: must be minimize or maximize, got {direction}. Answer again.")


def _command(
    module: str | None,
    script_module: str | None,
    data: str | None,
    config: Path | None,
    cli: str | None,
) -> str:
    """The command that makes the file again."""
    given: Mapping[str, object] = {
        "": module,
        "-m": script_module,
        "--data": data,
        "--config": config and os.path.relpath(config),
        "--cli": cli,
    }
    words = [
        word for option, value in given.items() if value is not None for word in (option, value)
    ]
    return shlex.join(["search", "init", *(str(word) for word in words if word)])

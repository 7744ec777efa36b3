"""The texts of an exported folder of the user's own script: its command, its launcher, how to use
it.

The command line of the trial is the script's own. What no command line can say, a launcher does
before the script begins; there is one only where something is left to it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.answers import ExportFacts
from search.errors import printable
from search.plain.tree import Tree
from search.study_file.script_command import plain_command
from search.study_file.trial_config import LightningSections, ScriptRun

# of an exported text: runs a script as python does
RUN = """def run(words):
    if words[0] == "-m":
        sys.argv, sys.path[0] = words[1:], os.getcwd()
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = words, str(Path(words[0]).resolve().parent)
        runpy.run_path(words[0], run_name="__main__")
"""
# of an exported text: objects of what names their classes
OBJECTS = '''def made(value):
    """What a value stands for: an object where it names a class."""
    if isinstance(value, list):
        return [made(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "class_path" not in value:
        return {key: made(each) for key, each in value.items()}
    module, _, name = value["class_path"].rpartition(".")
    owner = importlib.import_module(module or "{lightning}.callbacks")
    return getattr(owner, name)(**made(value.get("init_args") or {}))
'''
_LAUNCHER = '''"""Runs a script as python does, with what its trial had beside its command line.

Needs nothing but Lightning: `python launch.py SCRIPT ARGUMENT...`, or `-m MODULE ARGUMENT...`.
"""

import functools
import importlib
import os
import runpy
import sys
from math import inf, nan
from pathlib import Path

# seeds everything before the script begins; None leaves that to the script
SEED = {seed}
# the script's own calls of seed_everything get this seed, too
IN_PLACE_OF_ITS_OWN = {in_place}
# laid over the arguments of each Trainer that the script makes
TRAINER = {trainer}

seeding = importlib.import_module("{fabric}.utilities.seed")
lightning = importlib.import_module("{lightning}")


{objects}

def listed(value):
    return list(value) if isinstance(value, (list, tuple)) else [value] if value else []


def lay_over(trainer_class):
    original = trainer_class.__init__

    @functools.wraps(original)
    def __init__(self, *args, **kwargs):
        given = {**kwargs, **made(TRAINER)}
        # callbacks join those of the script, of which one of the same class gives way
        if "callbacks" in TRAINER:
            ours = listed(given["callbacks"])
            classes = {type(each) for each in ours}
            theirs = [each for each in listed(kwargs.get("callbacks")) if type(each) not in classes]
            given["callbacks"] = [*theirs, *ours]
        original(self, *args, **given)

    trainer_class.__init__ = __init__


def seed_with_ours(original):
    @functools.wraps(original)
    def seed_everything(seed=None, *args, **kwargs):
        return original(SEED, *args, **kwargs)

    packages = ("lightning", "lightning_fabric", "pytorch_lightning")
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in packages and vars(module).get("seed_everything") is original:
            module.seed_everything = seed_everything


{run}

if __name__ == "__main__":
    # the other processes of a distributed training run the same
    command = [sys.executable, str(Path(__file__).resolve()), *sys.argv[1:]]
    ranks = importlib.import_module("{lightning}.strategies.launchers.subprocess_script")
    ranks._basic_subprocess_cmd = lambda: command
    theirs = ranks._hydra_subprocess_cmd

    def hydra_command(local_rank):
        words, place = theirs(local_rank)
        # Lightning says where the other processes write
        return [*command, *(each for each in words if each.startswith("hydra."))], place

    ranks._hydra_subprocess_cmd = hydra_command
    if TRAINER:
        lay_over(lightning.Trainer)
    if SEED is not None:
        seeding.seed_everything(SEED, workers=True)
    if IN_PLACE_OF_ITS_OWN:
        seed_with_ours(seeding.seed_everything)
    run(sys.argv[1:])
'''
_TITLE = 200
# the package of seed_everything
FABRIC = {"lightning.pytorch": "lightning.fabric", "pytorch_lightning": "lightning_fabric"}


@dataclass(frozen=True)
class BesideCommand:
    """What a script must be given that its command line cannot say."""

    # None where it seeds everything itself
    seed: int | None
    # the seed is that of its own calls of seed_everything
    is_in_place: bool
    # laid over the arguments of its Trainers
    trainer: Tree

    @property
    def reasons(self) -> list[str]:
        """A phrase for each thing that is done; empty where no launcher is needed."""
        reasons = []
        if self.is_in_place:
            reasons.append(f"gives its seed_everything the seed {self.seed}")
        elif self.seed is not None:
            reasons.append(f"seeds with {self.seed} before the script draws anything")
        if self.trainer:
            laid = ", ".join(f"{name}={value!r}" for name, value in self.trainer.items())
            reasons.append(f"lays {laid} over the arguments of its Trainer")
        return reasons


def beside_command(sections: LightningSections, facts: ExportFacts) -> BesideCommand:
    """What the launcher of a trial's script does; nothing where a function takes its place."""
    script, seed = sections.script, sections.seed_everything
    assert script is not None
    if script.build is not None:
        return BesideCommand(seed=None, is_in_place=False, trainer={})
    is_seeded = seed is not None and not isinstance(seed, bool)
    needs_seed = is_seeded and (facts.needs_seed or script.seed is not None)
    quiet = {"enable_model_summary": False} if facts.runs_summary else {}
    return BesideCommand(
        seed=seed if needs_seed else None,
        is_in_place=script.seed is not None,
        trainer={**quiet, **sections.trainer},
    )


def launcher_text(beside: BesideCommand, lightning: str) -> str:
    """The `launch.py` of an exported folder."""
    values = {
        "{run}": RUN,
        "{objects}": OBJECTS,
        "{seed}": repr(beside.seed),
        "{in_place}": repr(beside.is_in_place),
        "{trainer}": repr(beside.trainer),
        "{lightning}": lightning,
        "{fabric}": FABRIC[lightning],
    }
    return filled(_LAUNCHER, values)


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with the value of each name in its place."""
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def command_text(title: str, script: ScriptRun, beside: BesideCommand, threads: int | None) -> str:
    """The `train.sh` of an exported folder."""
    # a comment is one line
    lines = ["#!/bin/sh", f"# {printable(title, _TITLE)}"]
    lines.append("# start it in the folder where the study was run")
    if threads is not None:
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        lines.append("# sums over threads differ in their last digits: as many as the trial had")
        lines.append(f"export {' '.join(f'{name}={threads}' for name in names)}")
    if script.build is not None:
        return "\n".join([*lines, 'exec python "$(dirname "$0")/train.py"', ""])
    command = plain_command(script)
    if not beside.reasons:
        return "\n".join([*lines, f"exec {shlex.join(command)}", ""])
    lines.append(f"# launch.py runs the script, and {'; '.join(beside.reasons)}:")
    lines.append("# no command line of the script's can say that")
    script_words = shlex.join(command[1:])
    return "\n".join([*lines, f'exec python "$(dirname "$0")/launch.py" {script_words}', ""])


def script_notes(
    result: Mapping[str, Any], command: Sequence[str], script: ScriptRun, beside: BesideCommand
) -> str:
    """The `REPRODUCE.md` of an exported folder of a script."""
    objective = result["objective"]
    which = "best" if objective["value"] == "best" else "last"
    params = "\n".join(f"    {path}: {value}" for path, value in result["params"].items())
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    runs = f"calls {script.build}" if script.build else shlex.join(plain_command(script))
    launcher = f"- `launch.py` {'; '.join(beside.reasons)}\n" if beside.reasons else ""
    return f"""# Trial {result["trial"]} of the study {result["study"]}

{objective["metric"]} of its {which} validation: {result["value"]!r} ({objective["direction"]}d)

{params}

To train it again, with nothing but Lightning and the project's own code, from the folder where the
study was run:

    {shlex.join(command)}

which runs

    {runs}

The value comes back in the log of {objective["metric"]}, at the {which} validation. `search replay`
does that and compares. On another machine, or with other versions, the last digits may differ.

- `train.sh` has the command line, and the CPU threads of the trial
{launcher}- `best.ckpt` holds the weights of that value
- `trial.json` and `provenance.json`, where there is one, say what it was made with

Made with {versions}.
"""

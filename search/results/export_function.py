"""The `train.py` of an exported folder whose model and data a function of the user's makes."""

from __future__ import annotations

import os
from pathlib import Path

from search.results.export_command import FABRIC, OBJECTS, filled
from search.study_file.trial_config import LightningSections

_TEXT = '''"""Calls a function as its trial did, and fits what it makes, with Lightning alone."""

import importlib
import inspect
import os
import pydoc
import sys
from math import inf, nan
from pathlib import Path

SEED = {seed}
PARAMS = {params}
# arguments of the Trainer; the function may change them where it takes them
TRAINER = {trainer}

HERE = Path(__file__).resolve().parent
# the packages of the project come first, as in the trial; this folder is none of them
paths = [str((HERE / {project}).resolve()), os.getcwd(), *sys.path]
sys.path[:] = [path for path in paths if Path(path).resolve() != HERE]
lightning = importlib.import_module("{lightning}")


{objects}

if __name__ == "__main__":
    importlib.import_module("{fabric}.utilities.seed").seed_everything(SEED, workers=True)
    function = pydoc.locate("{build}")
    takes_two = len(inspect.signature(function).parameters) > 1
    model, data = function(PARAMS, TRAINER) if takes_two else function(PARAMS)
    trainer = lightning.Trainer(**made(TRAINER))
    if isinstance(data, (list, tuple)):
        trainer.fit(model, *data)
    else:
        trainer.fit(model, data)
'''
# a trial makes no summary of its model, which may draw random numbers
_QUIET = {"enable_model_summary": False}


def function_text(sections: LightningSections, lightning: str, project: Path, target: Path) -> str:
    """The script that calls the function of a trial.

    Args:
        lightning: the package of the model.
        project: where the user's packages are, beside the working directory.
        target: the exported folder.
    """
    script = sections.script
    assert script is not None
    values = {
        "{objects}": OBJECTS,
        "{build}": str(script.build),
        "{seed}": repr(sections.seed_everything),
        "{params}": repr(script.arguments),
        "{trainer}": repr({**_QUIET, **sections.trainer}),
        "{project}": repr(os.path.relpath(project, target)),
        "{lightning}": lightning,
        "{fabric}": FABRIC[lightning],
    }
    return filled(_TEXT, values)

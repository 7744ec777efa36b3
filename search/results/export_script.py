"""The two texts of an exported folder: the script that trains it, and how to use it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from search.answers import ExportFacts
from search.study_file.trial_config import CliClasses, TrialConfig

_HEAD = '''"""Trains what config.yaml says, with plain LightningCLI."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# the packages of the project come first, as in the trial; this folder is none of them
paths = [str((HERE / {project}).resolve()), os.getcwd(), *sys.path]
sys.path[:] = [path for path in paths if Path(path).resolve() != HERE]
'''
_THREADS = """# sums over threads differ in their last digits: as many as the trial had
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "{threads}"
"""


def train_script(config: TrialConfig, facts: ExportFacts, project: Path, target: Path) -> str:
    """The `train.py` of an exported folder.

    Args:
        config: of the trial; may name the project's own CLI.
        project: where its packages are, beside the working directory.
        target: the exported folder.
    """
    head = _HEAD.replace("{project}", repr(os.path.relpath(project, target)))
    threads = "" if facts.threads is None else _THREADS.replace("{threads}", str(facts.threads))
    imports, call = _cli_lines(config.sections.cli, facts.lightning)
    imported = "\n".join(f"    {line}" for line in imports)
    return f'{head}{threads}\nif __name__ == "__main__":\n{imported}\n\n    {call}\n'


def reproduce_text(result: Mapping[str, Any], command: Sequence[str], *, in_shards: bool) -> str:
    """The `REPRODUCE.md` of an exported folder; `in_shards` where its checkpoint is a folder."""
    objective = result["objective"]
    which = "best" if objective["value"] == "best" else "last"
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    params = "\n".join(f"    {path}: {value}" for path, value in result["params"].items())
    threads = result["threads"]
    return f"""# Trial {result["trial"]} of the study {result["study"]}

{objective["metric"]} of its {which} validation: {result["value"]!r} ({objective["direction"]}d)

{params}

To train it again, with nothing but Lightning and the project's own code, from the project's folder:

    {shlex.join(command)}

The value comes back in the log of {objective["metric"]}, at the {which} validation{
        ", whose checkpoint ModelCheckpoint keeps" if which == "best" else ""
    }.
`search replay` does that and compares. On another machine, or with other versions, the last digits
may differ.

- `config.yaml` is the complete configuration, for LightningCLI
- `train.py` makes the CLI, finds the project's packages{
        "" if threads is None else f", and takes {threads} CPU thread{'s' if threads > 1 else ''}"
    }
- `best.ckpt` holds the weights of that value{
        ", in shards, as its strategy wrote them"
        if in_shards
        else "; it loads with `weights_only=True`"
    }
- `trial.json` and `provenance.json`, where there is one, say what it was made with

Made with {versions}.
"""


def _cli_lines(cli: CliClasses | None, lightning: str) -> tuple[list[str], str]:
    """The imports of a script, and the call that makes its CLI."""
    if cli is None:
        return [f"from {lightning}.cli import LightningCLI"], "LightningCLI()"
    module, _, name = cli.name.partition(":")
    imports, arguments = [f"import {module}"], []
    for argument, path in (("model_class", cli.model), ("datamodule_class", cli.data)):
        if path:
            imports.append(f"import {path.rpartition('.')[0]}")
            arguments.append(f"{argument}={path}")
    return list(dict.fromkeys(imports)), f"{module}.{name}({', '.join(arguments)})"

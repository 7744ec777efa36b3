"""The command line of a trial of a script, as one types it."""

from __future__ import annotations

from search.study_file.scripts import command_line
from search.study_file.trial_config import LightningSections, ScriptRun


def plain_command(script: ScriptRun) -> list[str]:
    """The words of a script's command line."""
    words = ["-m", script.module] if script.module is not None else [str(script.path)]
    overrides = None if script.overrides is None else list(script.overrides)
    return ["python", *words, *command_line(script.arguments, overrides)]


def command_of(sections: LightningSections) -> list[str] | None:
    """The command line of the script of a configuration; None where there is none."""
    script = sections.script
    return None if script is None or script.build is not None else plain_command(script)

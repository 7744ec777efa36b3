"""Packages that only some studies need: whether they are here, before anything is begun."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from urllib.parse import urlsplit

from search.errors import StudyFileError
from search.plain.installing import install_line
from search.study_file.schema import StudyFile

# distributions of which any one will do; a folder `wandb` beside the study file is none
_DISTRIBUTIONS = {
    "csv": (),
    "tensorboard": ("tensorboard", "tensorboardX"),
    "wandb": ("wandb",),
    "mlflow": ("mlflow-skinny", "mlflow"),
}


_TRACKING_URI = "MLFLOW_TRACKING_URI"


def check_loggers(study_file: StudyFile, source: str) -> None:
    """Make sure that the loggers of a study file can be used here.

    Args:
        source: the study file's name, for messages.

    Raises:
        StudyFileError: a package is missing, or an option would write a password down.
    """
    if study_file.trainer.get("logger") is not None:
        return
    problems = []
    for logger in study_file.logger:
        names = _DISTRIBUTIONS[logger.name]
        if names and not any(map(_is_installed, names)):
            problems.append(
                f"logger: {logger.name} is not installed. Run: {install_line(logger.name)}"
            )
        for option, value in logger.options.items():
            if isinstance(value, str) and "://" in value and urlsplit(value).password:
                problems.append(
                    f"logger.{option}: holds a password, which the study would write down. "
                    "Leave it out and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
                )
    if problems:
        raise StudyFileError([f"{source}: {problem}" for problem in problems])


def check_shared_loggers(
    study_file: StudyFile, source: str, environment: Mapping[str, str]
) -> None:
    """Make sure that trials on several machines write into no SQLite file of MLflow together.

    Args:
        source: the study file's name, for messages.
        environment: of the trials.

    Raises:
        StudyFileError: they would.
    """
    if study_file.trainer.get("logger") is not None or environment.get(_TRACKING_URI):
        return
    for logger in study_file.logger:
        if logger.name == "mlflow" and not logger.options.get("tracking_uri"):
            raise StudyFileError(
                [
                    f"{source}: logger: mlflow writes into a SQLite file in the study's folder, "
                    "which several machines cannot share. Name a server: set "
                    f"{_TRACKING_URI}, or logger: {{name: mlflow, tracking_uri: https://...}}."
                ]
            )


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True

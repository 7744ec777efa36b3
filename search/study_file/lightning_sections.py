"""The sections of a study file that are LightningCLI's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictStr

from search.plain.tree import ARGUMENT_KEYS, CLASS_KEYS
from search.plain.yaml import shown
from search.study_file.examples import example_of
from search.study_file.problems import Unknown


class Cli(BaseModel):
    """The user's own LightningCLI.

    name: `module:name` of a subclass, or of the function that makes one.
    model: the class of the model, where configurations give bare arguments.
    data: the class of the data, likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: StrictStr
    model: StrictStr | None = None
    data: StrictStr | None = None


def cli_tree(value: object) -> object:
    """`cli: train:MyCLI` as the mapping that it is short for.

    Raises:
        ValueError: the name is no `module:name`.
    """
    tree = value if isinstance(value, dict) else {"name": value}
    module, _, attribute = str(tree.get("name", "a:b")).partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        raise ValueError(f"must be module:name, got {shown(tree['name'])}. Write cli: train:MyCLI.")
    return tree


def weights_file(path: str) -> str:
    """The checkpoint whose weights every trial starts from.

    Raises:
        ValueError: there is no such file.
    """
    if "://" not in path and not Path(path).is_file():
        raise ValueError(f"no such file, got {shown(path)}. Name a checkpoint, or remove it.")
    return path


def loads_weights_only(value: bool) -> bool:
    """The value of LightningCLI's `weights_only`, which must be true.

    Raises:
        ValueError: a checkpoint should be unpickled.
    """
    if not value:
        raise ValueError("must be true: nothing is unpickled from a checkpoint. Remove it.")
    return value


def _class_section(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("class_path"), str):
        raise ValueError(f"must be a mapping with class_path and init_args, got {shown(value)}")
    for key in value:
        if key not in CLASS_KEYS:
            raise Unknown(str(key), CLASS_KEYS)
    for key in ARGUMENT_KEYS:
        if not isinstance(value.get(key) or {}, dict):
            raise ValueError(f"{key} must be a mapping, got {value[key]}. {example_of(key)}")
    return value


def _full_class_section(value: object) -> dict[str, Any]:
    section = _class_section(value)
    if "." not in section["class_path"]:
        raise ValueError(
            f"class_path must be a full path like my_package.module.Class, "
            f"got {section['class_path']}"
        )
    return section


ClassSection = Annotated[dict[str, Any], BeforeValidator(_full_class_section)]
# jsonargparse finds the classes of torch.optim by their bare names too
OptimizerSection = Annotated[dict[str, Any], BeforeValidator(_class_section)]

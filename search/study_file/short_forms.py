"""Short forms of a study file, spelt out before it is checked."""

from __future__ import annotations

from collections.abc import Mapping

from search.plain.metric_names import likely_direction
from search.space.distributions import AUTO
from search.space.paths import ALL_HINTED, EFFECTIVE
from search.study_file.cluster_sections import engine_tree

# a bare `off` is a word in our YAML, and `false` in that of others
_OFF = ("off", "no", "none", False)


def spell_out(tree: Mapping[str, object]) -> tuple[dict[str, object], list[str]]:
    """A tree with its short forms spelt out, and a line for each that could mean two things.

    `objective: val_loss` and a list of names or mappings, `batch: power`, `optimizer: torch.optim.
    Adam`, `warm_start: earlier`, `on: slurm` or an address, and `off` or false where something can
    be off.
    """
    full = dict(tree)
    problems: list[str] = []
    for section in ("optimizer", "lr_scheduler"):
        if isinstance(full.get(section), str):
            full[section] = {"class_path": full[section]}
    _spell_script(full)
    if full.get("hydra") is True:
        full["hydra"] = {}
    if "batch" in full:
        full["batch"] = _batch(full["batch"])
    problems += _spell_out_effective(full)
    if _is_off(full.get("pruner")):
        full["pruner"] = "none"
    if _is_off(full.get("scheduler")):
        full["scheduler"] = "none"
    if full.get("scheduler", "none") not in ("none", {"name": "none"}):
        # a trial that is paused early can still be chosen; one that is pruned cannot
        full.setdefault("pruner", "none")
    if _is_off(full.get("logger")):
        full["logger"] = []
    if isinstance(full.get("warm_start"), str):
        full["warm_start"] = [full["warm_start"]]
    if isinstance(on := full.get("on"), str):
        full["on"] = engine_tree(on)
    if isinstance(full.get("objective"), list) and "objectives" not in full:
        full["objectives"] = full.pop("objective")
    return full, problems + _name_metrics(full)


def _spell_script(full: dict[str, object]) -> None:
    if isinstance(full.get("script"), str):
        full["script"] = {"path": full["script"]}
    for key in ("module", "build"):
        if isinstance(full.get(key), str) and "script" not in full:
            full["script"] = {key: full.pop(key)}


def _is_off(value: object) -> bool:
    return isinstance(value, str | bool) and value in _OFF


def _batch(value: object) -> object:
    match value:
        case "binsearch" | "power":
            return {"auto_scale": value}
        case Mapping():
            # without a value it is as it is without the key
            given = {key: each for key, each in value.items() if each is not None}
            if _is_off(given.get("lr_scaling")):
                del given["lr_scaling"]
            if _is_off(given.get("auto_scale")):
                given["auto_scale"] = "off"
            return given
    return {"auto_scale": "off"} if _is_off(value) else value


def _spell_out_effective(full: dict[str, object]) -> list[str]:
    """Put an effective batch that is searched into the space, and let micro-batches be probed
    where nothing is said of them; returns a line where it is searched in two places."""
    batch, space = full.get("batch"), full.get("space", AUTO)
    effective = batch.get("effective") if isinstance(batch, Mapping) else None
    if isinstance(effective, Mapping) and isinstance(space, Mapping) and EFFECTIVE in space:
        return [f"space.{EFFECTIVE}: is searched under batch as well. Keep one of them."]
    if isinstance(batch, Mapping) and isinstance(effective, Mapping):
        space = {ALL_HINTED: AUTO} if space == AUTO else space
        if isinstance(space, Mapping):
            batch = {key: value for key, value in batch.items() if key != "effective"}
            full["space"] = space = {**space, EFFECTIVE: effective}
    if effective is not None or (isinstance(space, Mapping) and EFFECTIVE in space):
        batch = {} if batch is None else batch
        if isinstance(batch, Mapping):
            full["batch"] = {"auto_scale": "binsearch", **batch}
    return []


def _name_metrics(full: dict[str, object]) -> list[str]:
    """Make a mapping of each objective that is only a name; returns a line for each whose name
    says that more of it is better, where the mapping would say minimize."""
    problems = []
    if isinstance(metric := full.get("objective"), str):
        problems += _direction_problems("objective", metric)
        full["objective"] = {"metric": metric}
    match full.get("objectives"):
        case list() as listed:
            for index, each in enumerate(listed):
                problems += _direction_problems(f"objectives.{index}", each)
            full["objectives"] = [
                {"metric": each} if isinstance(each, str) else each for each in listed
            ]
    return problems


def _direction_problems(place: str, metric: object) -> list[str]:
    if not isinstance(metric, str) or likely_direction(metric) != "maximize":
        return []
    return [
        f"{place}: {metric} sounds like one to maximize, and a name alone is minimized. "
        f"Write {{metric: {metric}, direction: maximize}}, or direction: minimize."
    ]

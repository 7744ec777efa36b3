"""The machine that a study runs on. Its name is left out: it says nothing about a result, and
studies are passed on."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from itertools import takewhile
from pathlib import Path

import psutil

from search.plain.visible_gpus import visible_gpus

_GPUS = Path("/proc/driver/nvidia/gpus")
_TIMEOUT_S = 2.0


def this_machine(cores: int) -> dict[str, object]:
    """System, processor, memory and GPUs.

    Args:
        cores: how many of them the study may use.
    """
    return {
        "system": platform.platform(),
        "cpu": _cpu(),
        "cores": cores,
        "memory_bytes": int(psutil.virtual_memory().total),
        "gpus": _gpus(),
    }


def usable_gpus(environment: Mapping[str, str]) -> int:
    """How many GPUs, or parts of one, processes with this environment may use; loads no torch."""
    listed = _listed_gpus()
    entries = visible_gpus(environment)
    whole = [each for each in listed if each.startswith("GPU-")]
    if entries is None:
        return len(whole)
    numbers = [str(number) for number in range(len(whole))]
    return len(list(takewhile(lambda entry: _names_one(entry, [*numbers, *listed]), entries)))


def _names_one(entry: str, names: Iterable[str]) -> bool:
    """Whether an entry names a GPU: its number, or its id, which may be shortened."""
    if entry.isdigit():
        return str(int(entry)) in names
    return any(name.startswith(entry) for name in names)


def _listed_gpus() -> list[str]:
    """The ids of the GPUs that the driver shows this process, and of the parts of each.

    A container may have the device files of more GPUs than it may use.
    """
    return re.findall(r"UUID: ((?:GPU|MIG)-[^)\s]+)\)", _nvidia_smi("--list-gpus"))


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.is_file() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _gpus() -> list[str]:
    """Names of the NVIDIA GPUs, without loading torch."""
    models = [
        line.partition(":")[2].strip()
        for file in sorted(_GPUS.glob("*/information"))
        for line in file.read_text().splitlines()
        if line.startswith("Model:")
    ]
    if models:
        return models
    output = _nvidia_smi("--query-gpu=name", "--format=csv,noheader")
    return [line.strip() for line in output.splitlines() if line.strip()]


def _nvidia_smi(*options: str) -> str:
    """What the driver's own program says; empty where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        return subprocess.run(
            [program, *options], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""

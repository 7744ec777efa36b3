"""The machine that a study runs on. Its name is left out: it says nothing about a result, and
studies are passed on."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import psutil

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

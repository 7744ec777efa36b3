"""The load that a trial is for its GPU: its memory, and the time in which it computes."""

from __future__ import annotations

import shutil
import subprocess
import time

import torch
from lightning.pytorch import Callback, Trainer

# what CUDA itself takes of a GPU for each process, which torch does not count
_CONTEXT_BYTES = 512 << 20
# the driver's mean is over the last second at most, and steps go on while it is asked
_BEFORE_S = 1.2
_IN_ALL_S = 5.0


class GpuLoad(Callback):
    """Looks at the GPU of a fit while it trains, and ends it then; idle on other devices."""

    def __init__(self) -> None:
        # 0 on other devices
        self.memory_bytes = 0
        # part of the time; None where the driver does not tell
        self.busy: float | None = None
        self.is_done = False
        self._began: float | None = None
        self._query: subprocess.Popen[str] | None = None

    def on_train_batch_end(self, trainer: Trainer, *args: object) -> None:
        device = trainer.strategy.root_device
        if device.type != "cuda" or self.is_done:
            return
        now = time.monotonic()
        # the first step is slow, and computes little
        self._began = self._began or now
        self.memory_bytes = torch.cuda.max_memory_reserved(device) + _CONTEXT_BYTES
        if now - self._began > _IN_ALL_S:
            self._end(trainer)
        elif self._query is not None and self._query.poll() is not None:
            self.busy = _busy_of(self._query)
            self._end(trainer)
        elif self._query is None and now - self._began > _BEFORE_S:
            self._query = _query(torch.cuda.get_device_properties(device).uuid)
            if self._query is None:
                self._end(trainer)

    def _end(self, trainer: Trainer) -> None:
        self.is_done = True
        trainer.should_stop = True


def _query(uuid: object) -> subprocess.Popen[str] | None:
    """The driver's own program, asked about one GPU; None where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    query = ["--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    command = [program, f"--id=GPU-{uuid}", *query]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _busy_of(query: subprocess.Popen[str]) -> float | None:
    """Its answer; None where it knows none, as of parts of a GPU."""
    output, _ = query.communicate()
    text = output.strip()
    return int(text) / 100 if text.isdigit() else None

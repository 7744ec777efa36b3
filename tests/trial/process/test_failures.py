"""What an exception means."""

from __future__ import annotations

import pytest
import torch

from search.messages import ERROR, OOM
from search.trial.process.failures import cause_of


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (torch.OutOfMemoryError("HIP out of memory. Tried to allocate 2 GiB"), OOM),
        (torch.OutOfMemoryError("no words that are known"), OOM),
        (RuntimeError("XPU out of memory. Tried to allocate"), OOM),
        (RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"), OOM),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), OOM),
        (MemoryError(), OOM),
        (RuntimeError("the layer is on fire"), ERROR),
    ],
)
def test_memory_that_ran_out_is_known_on_every_device(error: Exception, cause: str) -> None:
    assert cause_of(error) == cause

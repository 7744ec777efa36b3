"""State of CUDA in this process: once it is up, no process that this one forks can use a GPU."""

from __future__ import annotations

import ctypes
import os
import sys

import torch

_DRIVER = "libcuda.so.1"
# CUDA_ERROR_NOT_INITIALIZED
_NOT_INITIALIZED = 3


def is_up() -> bool:
    """True where torch has brought CUDA up, or another library, which the driver alone knows."""
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return True
    if sys.platform != "linux":
        return False
    try:
        # one that is not loaded yet must not be loaded by the question
        driver = ctypes.CDLL(_DRIVER, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return False
    context = ctypes.c_void_p()
    return bool(driver.cuCtxGetCurrent(ctypes.byref(context)) != _NOT_INITIALIZED)


def is_absent() -> bool:
    """True where torch can find no accelerator, now or later: autograd has no thread of a device.

    The question brings nothing up: it loads the driver of CUDA, where there is one, and asks it
    nothing.
    """
    if sys.platform != "linux" or torch.version.hip is not None or torch.version.xpu is not None:
        return False
    if torch.version.cuda is None:
        return True
    try:
        ctypes.CDLL(_DRIVER)
    except OSError:
        return True
    return False

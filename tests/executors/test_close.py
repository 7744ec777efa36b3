"""The end of an executor whose fork server is still importing."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from search.executors.local import LocalExecutor

pytestmark = pytest.mark.real

SLOW = """
import pathlib, subprocess, time

helper = subprocess.Popen(["sleep", "1000"], start_new_session=True)
path = pathlib.Path(__file__).with_name("helper")
path.with_suffix(".new").write_text(str(helper.pid))
path.with_suffix(".new").rename(path)
time.sleep(1000)
"""


def test_close_ends_what_an_import_has_started(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    log, helper = tmp_path / "server.log", tmp_path / "helper"
    executor = LocalExecutor(["slow.Net"], [str(tmp_path)], server_log=log)
    try:
        while not helper.exists():
            time.sleep(0.05)
    finally:
        executor.close()
    assert not psutil.pid_exists(int(helper.read_text()))

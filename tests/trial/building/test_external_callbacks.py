"""Callbacks that installed packages add to every Trainer."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from search.trial.building.external_callbacks import remember_external_callbacks

pytestmark = pytest.mark.real


@pytest.mark.parametrize("package", ["lightning.pytorch", "pytorch_lightning"])
def test_every_trainer_has_the_callback_of_an_installed_package(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = tmp_path / "added-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: added\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[{package}.callbacks_factory]\nadded = added_callbacks:make\n"
    )
    (tmp_path / "added_callbacks.py").write_text(
        f"from {package} import Callback\nclass Added(Callback): pass\ndef make(): return Added()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("lightning.fabric", "lightning_fabric"):
        registry: Any = importlib.import_module(f"{name}.utilities.registry")
        monkeypatch.setattr(registry, "entry_points", registry.entry_points)

    remember_external_callbacks()

    lightning = importlib.import_module(package)
    for _ in range(2):
        trainer = lightning.Trainer(logger=False, accelerator="cpu")
        assert "Added" in [type(each).__name__ for each in trainer.callbacks]

"""Trials of two ranks on the CPU, with gloo: what another rank than the first does and leaves."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Project
from torch.distributed.checkpoint.state_dict_saver import save

from search.api.result import Result
from search.errors import UserError
from search.layout import StudyFolder, TrialFolder
from search.plain.whole_files import keep_copy
from search.store.reading import read_study
from search.trial.checkpoints import sharded
from search.trial.checkpoints.files import is_intact, read_checkpoint, resume_point

MODELS = '''
import os, signal, time
from pathlib import Path
import torch
from torch.distributed.fsdp import fully_shard
from tiny import Tiny


class Ranked(Tiny):
    """Ranks draw different numbers; in epoch 1 something happens on rank 1, or once to rank 0."""

    def __init__(self, happens: str = "nothing", batch_size: int = 16):
        super().__init__(lr=0.01, batch_size=batch_size)
        self.happens = happens

    def training_step(self, batch, batch_idx):
        torch.rand(1 + self.global_rank)
        if self.current_epoch == 1:
            self.happen()
        return super().training_step(batch, batch_idx)

    def happen(self):
        if self.happens == "memory" and self.global_rank == 1 and self.batch_size > 8:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        once = Path(f"{self.happens}-{os.path.basename(os.getcwd())}")
        if "killed" in self.happens and not once.exists():
            if self.global_rank == int(self.happens[-1]):
                once.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if self.happens.startswith("unseen"):
                time.sleep(30)  # until Lightning sees it

    def test_step(self, batch, batch_idx):
        x, y = batch
        self.log("test_loss", torch.nn.functional.mse_loss(self.layers(x), y))

    def test_dataloader(self):
        return self.loader(False)


class Sharded(Ranked):
    def configure_model(self):
        if self.device_mesh is not None:
            fully_shard(self.layers, mesh=self.device_mesh["data_parallel"])
'''
HAPPENS = "model.init_args.happens"
TWO = {"max_epochs": 3, "accelerator": "cpu", "devices": 2, "num_sanity_val_steps": 0}
SHARDED = {
    "class_path": "pytorch_lightning.strategies.ModelParallelStrategy",
    "init_args": {"data_parallel_size": 2, "tensor_parallel_size": 1},
}


def causes(project: Project, number: int) -> list[tuple[str, str | None]]:
    ends = [each for each in project.events(number) if each["event"] == "attempt_ended"]
    return [(each["cause"], each["message"]) for each in ends]


@pytest.fixture(scope="module")
def of_shards(shared_project: Project) -> Project:
    """A trial that nothing happens to, and one whose first rank is killed once."""
    (shared_project.root / "ranked.py").write_text(MODELS)
    path = shared_project.study(
        model={"class_path": "ranked.Sharded"},
        trainer={**TWO, "strategy": SHARDED},
        sampler="grid",
        space={HAPPENS: {"choice": ["nothing", "killed0"]}},
        budget={"trials": 2},
    )
    result = shared_project.run("run", path)
    assert result.returncode == 0, result.stdout + result.stderr
    return shared_project


def killed_and_whole(project: Project) -> tuple[int, int]:
    attempts = {number: len(causes(project, number)) for number in (0, 1)}
    killed = max(attempts, key=lambda number: attempts[number])
    return killed, 1 - killed


def test_resumed_trial_of_two_ranks_is_exact(of_shards: Project) -> None:
    killed, whole = killed_and_whole(of_shards)
    assert causes(of_shards, killed) == [("killed", "killed by SIGKILL"), ("done", None)]
    curves = of_shards.curves()
    assert curves[killed] == curves[whole]
    assert len(curves[whole]) == 3
    folder = StudyFolder(of_shards.root / "studies/study")
    for name in ("last.ckpt", "best.ckpt"):
        first, second = (
            read_checkpoint(folder.trial(number).root / name) for number in (killed, whole)
        )
        assert first["state_dict"].keys() == second["state_dict"].keys()
        for key, tensor in first["state_dict"].items():
            assert torch.equal(tensor, second["state_dict"][key])


def test_rank_that_ran_out_of_memory_or_was_killed_ends_its_attempt_like_the_first(
    project: Project,
) -> None:
    (project.root / "ranked.py").write_text(MODELS)
    path = project.study(
        model={"class_path": "ranked.Ranked"},
        trainer={**TWO, "max_epochs": 2, "strategy": "ddp"},
        sampler="grid",
        space={HAPPENS: {"choice": ["memory", "killed1", "unseen killed1"]}},
        budget={"trials": 3},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stdout + result.stderr
    memory = "OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB"
    ends = sorted(causes(project, number) for number in range(3))
    assert ends == [
        [("killed", "rank 1 was killed by SIGKILL"), ("done", None)],
        [("killed", "rank 1 was killed by SIGKILL"), ("done", None)],
        [("oom", f"{memory}; goes on in batches of 8 x 2"), ("done", None)],
    ]
    assert not list((project.root / "studies/study/trials").glob("*/rank-*"))


def test_checkpoint_in_shards_is_used_like_any_other(of_shards: Project) -> None:
    _, whole = killed_and_whole(of_shards)
    arguments = ("-s", "study", "--trial", str(whole))
    tested = of_shards.run("test", *arguments)
    assert tested.returncode == 0, tested.stderr
    assert "test_loss" in tested.stdout
    exported = of_shards.run("export", "exported", *arguments)
    assert exported.returncode == 0, exported.stderr
    assert "in shards, as its strategy" in (of_shards.root / "exported/REPRODUCE.md").read_text()
    weights = read_checkpoint(of_shards.root / "exported/best.ckpt")["state_dict"]
    record = read_study(StudyFolder(of_shards.root / "studies/study"))
    result = Result(record.trials[whole], of_shards.root)
    model = result.load_model()
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())


@pytest.fixture
def shards(tmp_path: Path) -> TrialFolder:
    folder = TrialFolder(tmp_path)
    for path, value in ((folder.previous_ckpt, "old"), (folder.last_ckpt, "new")):
        path.mkdir()
        for rank in (0, 1):
            (path / f"rank{rank}").write_text(value)
        sharded.write_manifest(path, {"best": None, "is_best": False})
    return folder


@pytest.mark.parametrize("damage", ["missing", "cut", "changed", "no manifest"])
def test_damaged_shard_falls_back_to_the_checkpoint_before(
    shards: TrialFolder, damage: str
) -> None:
    assert resume_point(shards) == shards.last_ckpt
    shard = shards.last_ckpt / "rank1"
    if damage == "missing":
        shard.unlink()
    elif damage == "no manifest":
        (shards.last_ckpt / "search.json").unlink()
    else:
        shard.write_text("n" if damage == "cut" else "now")
    assert resume_point(shards) == shards.previous_ckpt


def test_folder_takes_the_place_of_another_whole_or_not_at_all(shards: TrialFolder) -> None:
    keep_copy(shards.last_ckpt, shards.best_ckpt)
    keep_copy(shards.previous_ckpt, shards.best_ckpt)
    assert (shards.best_ckpt / "rank1").read_text() == "old"
    assert is_intact(shards.best_ckpt)
    keep_copy(shards.last_ckpt, shards.previous_ckpt)
    assert sorted(path.name for path in shards.root.iterdir()) == [
        "best.ckpt",
        "last.ckpt",
        "previous.ckpt",
    ]
    # cut off between the two names
    shards.best_ckpt.rename(shards.root / ".best.ckpt.old.tmp")
    assert resume_point(shards) == shards.last_ckpt
    assert (shards.best_ckpt / "rank1").read_text() == "old"


def test_index_of_shards_that_would_run_code_is_refused(shards: TrialFolder) -> None:
    class Code:
        def __reduce__(self) -> Any:
            return shutil.rmtree, ("/nowhere",)

    index = shards.last_ckpt / ".metadata"
    index.write_bytes(pickle.dumps(Code()))
    sharded.write_manifest(shards.last_ckpt, {})
    with pytest.raises(UserError) as caught:
        resume_point(shards)
    assert str(caught.value) == (
        f"{index}: is no index of a checkpoint: it holds shutil.rmtree. "
        "Restore the folder, or remove it."
    )


class Touches:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
def test_item_of_shards_that_would_run_code_is_refused(tmp_path: Path) -> None:
    trial, ran = TrialFolder(tmp_path), tmp_path / "ran"
    weights = torch.arange(3.0)
    save({"model": {"w": weights}, "lr": 0.1}, checkpoint_id=trial.last_ckpt, no_dist=True)
    sharded.write_manifest(trial.last_ckpt, {})
    assert resume_point(trial) == trial.last_ckpt
    read = read_checkpoint(trial.last_ckpt)
    assert torch.equal(read["state_dict"]["w"], weights)
    assert read["lr"] == 0.1

    shutil.rmtree(trial.last_ckpt)
    harmful = {"model": {"w": weights}, "lr": Touches(ran)}
    save(harmful, checkpoint_id=trial.last_ckpt, no_dist=True)
    sharded.write_manifest(trial.last_ckpt, {})
    for use in (lambda: resume_point(trial), lambda: read_checkpoint(trial.last_ckpt)):
        with pytest.raises(UserError) as caught:
            use()
        assert str(caught.value) == (
            f"{trial.last_ckpt}: holds what does not load with weights_only=True: "
            "UnpicklingError. Restore the folder, or remove it."
        )
    assert not ran.exists()


def test_checkpoint_of_a_trial_that_is_not_among_the_best_goes_with_its_shards(
    of_shards: Project,
) -> None:
    cleaned = of_shards.run("clean", "-s", "study", "--keep", "1")
    assert cleaned.returncode == 0, cleaned.stderr
    left = sorted((of_shards.root / "studies/study/trials").glob("*/*.ckpt"))
    assert len({path.parent for path in left}) == 1
    assert all(is_intact(path) for path in left)

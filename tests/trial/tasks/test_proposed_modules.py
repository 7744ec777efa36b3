"""What `init` proposes for modules as people write them: each file is a study that can be run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from users_modules import importable

from search.engine.preflight import check_config
from search.layout import TrialFolder
from search.plain.yaml import parse_yaml
from search.proposal.proposed_file import (
    count_searched,
    guess_metric,
    missing_arguments,
    proposed_file,
)
from search.study_file.load import parse_study_tree
from search.study_file.trial_config import LightningSections
from search.trial.tasks.check import check
from search.trial.tasks.describe import describe

PROJECT = Path(__file__).parents[2] / "projects/modules"
DATA = {"class_path": "lits.Points"}
OWN = {"class_path": "search.data.Digits"}
# the module, its data, and lines of its file without their reasons
MODULES: list[tuple[str, dict[str, Any] | None, list[str]]] = [
    ("lits.CIFARModule", DATA, ["model.model_name: {choice: [wide, deep]}", "model.activation_function_name: {choice: [tanh, relu, gelu]}", "model.optimizer_name: {choice: [Adam, SGD]}", "# data.data_dir:"]),
    ("lits.SimCLR", DATA, ["model.weight_decay: {float: [1e-6, 0.1], log: true}", "# model.temperature: {float: [0.007, 0.7], log: true}", "# model.max_epochs: 500"]),
    ("lits.MeanTeacher", DATA, ["model.ema_decay: {float: [0.99, 0.9999]}", "model.tau: {float: [0.0005, 0.05], log: true}", "# model.mask_ratio: {float: [0.0, 1.0]}"]),
    ("lits.TransformerLM", DATA, ["model.nhead: {choice: [1, 2, 4, 8]}", "- model.d_model % model.nhead == 0"]),
    ("lits.TimmClassifier", DATA, ["model.model_name: {choice: [vit, resnet, mlp]}", "# model.pretrained: false", "# model.mixup_alpha: {float: [0.0, 1.0]}"]),
    ("lits.VAE", DATA, ["model.latent_dim: {choice: [2, 4, 8, 16, 32]}", "# model.kl_coeff: {float: [0.01, 1.0], log: true}"]),
    ("lits.LSTMTagger", DATA, ["model.rnn_type: {choice: [lstm, gru]}", "model.momentum: {float: [0.5, 0.99]}", "model.lr_gamma: {float: [0.5, 1.0]}"]),
    ("lits.DQN", DATA, ["# model.env: CartPole-v0", "# model.eps_start: {float: [0.0, 1.0]}"]),
    ("lits.GAN", DATA, ["model.b1: {float: [0.5, 0.99]}", "model.b2: {float: [0.9, 0.9999]}"]),
    ("lits.FocalNet", DATA, ["model.dropout: {float: [0.0, 0.8]}", "model.bn_momentum: {float: [0.01, 0.5]}", "# model.gamma: {float: [0.2, 20.0], log: true}", "# model.l1_ratio: {float: [0.0, 1.0]}", "# model.quantile: {float: [0.0, 1.0]}"]),
    ("lits.Lazy", DATA, ["optimizer: {class_path: torch.optim.Adam}", "model.optimizer.lr: {float: [1e-5, 0.1], log: true}", "# model.loss_name: {choice: [margin, ce]}"]),
    ("lits.Fixed", DATA, ["trainer.gradient_clip_val: {float: [1e-1, 1e+1], log: true}"]),
    ("lits.OwnData", None, ["# model.batch_size: {choice: [4, 8, 16]}"]),
    ("search.models.LitAutoEncoder", OWN, []),
    ("search.models.LitVAE", OWN, []),
    ("search.models.LitClassifier", OWN, []),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def project() -> Iterator[None]:
    with importable(PROJECT, "lits") as patch:
        patch.setattr(sys, "argv", ["search", "folder"])
        yield


def sections(model: str, data: dict[str, Any] | None) -> dict[str, Any]:
    given: dict[str, Any] = {"model": {"class_path": model}}
    if data is not None:
        given["data"] = data
    return {**given, "trainer": {"max_epochs": 2, "accelerator": "cpu"}}


def proposed(tree: dict[str, Any]) -> tuple[str, int, list[str]]:
    """The text of the file, how much it searches, and what it says is missing."""
    description = describe(LightningSections.from_tree(tree))
    assert description.problems == ()
    text = proposed_file(tree, tree, description, guess_metric(description), "search init")
    return text, count_searched(description), missing_arguments(description, tree)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("model", "data", "lines"), MODULES, ids=[each[0] for each in MODULES])
def test_file_of_a_module_can_be_run_and_its_ranges_stay_in_their_domains(
    tmp_path: Path, model: str, data: dict[str, Any] | None, lines: list[str]
) -> None:
    text, count, absent = proposed(sections(model, data))
    found = [line.partition("  # ")[0].strip() for line in map(str.strip, text.splitlines())]
    assert [line for line in lines if line not in found] == []
    assert str(Path.cwd()) not in text
    study_file = parse_study_tree(parse_yaml(text, "new"), source="new", default_name="new")
    assert (len(study_file.space), absent) == (count, [])
    assert check(check_config(study_file), TrialFolder(tmp_path)).problems == ()


def test_what_is_required_stands_in_the_file() -> None:
    text, _, absent = proposed(sections("lits.GLUETransformer", DATA))
    assert absent == ["model.model_name_or_path", "model.num_labels"]
    head = text[: text.index("objective")]
    assert "  # init_args:\n  #   model_name_or_path: ...  " in head
    assert "  #   num_labels: ...  " in head


def test_module_without_batches_is_told_that_it_needs_data() -> None:
    tree = sections("lits.Fixed", None)
    description = describe(LightningSections.from_tree(tree))
    assert description.lacks_data
    text = proposed_file(tree, tree, description, guess_metric(description), "search init")
    assert "# data: {class_path: my_package.MyDataModule}" in text

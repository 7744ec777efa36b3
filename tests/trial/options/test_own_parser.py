"""The options of scripts, each read as the script's own library has them; nothing trains."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from search.answers import Argument, Description
from search.errors import UserError
from search.proposal.script_lines import script_lines
from search.study_file.trial_config import ScriptRun
from search.trial.building.script_process import as_it_was
from search.trial.options.found_options import Options
from search.trial.options.own_parser import read_options

NEVER = 'raise RuntimeError("what comes after the parser ran")'


def options_of(folder: Path, text: str) -> Options:
    script = folder / "train.py"
    script.write_text(textwrap.dedent(text))
    with as_it_was():
        return read_options(ScriptRun(path=str(script), folder=folder))


def brief(each: Argument) -> tuple[Any, ...]:
    return (
        each.path.removeprefix("arguments."),
        each.kind,
        each.choices or each.items or each.value,
        each.is_required,
    )


ARGPARSE = f"""
import argparse
import enum
parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("-l", "--lr", "--learning-rate", type=float, default=0.1)
parser.add_argument("--hidden-dim", type=int, required=True)
parser.add_argument("--optimizer", choices=["adam", "sgd"], default="adam")
parser.add_argument("--heads", type=int, choices=[1, 2, 4], default=2)
parser.add_argument("--amp", action="store_true")
parser.add_argument("--no-shuffle", dest="shuffle", action="store_false")
parser.add_argument("--bias", action=argparse.BooleanOptionalAction, default=True)
parser.add_argument("--name")
parser.add_argument("--dims", type=int, nargs="+", default=[1, 2])
parser.add_argument("--tag", type=int, action="append")
parser.add_argument("--scale", type=lambda text: float(text), default=2.0)
parser.add_argument("--flag", type=bool, default=False)
parser.add_argument("-v", action="count")
parser.add_argument("--version", action="version", version="1")
args = parser.parse_args()
{NEVER}
"""


def test_argparse(tmp_path: Path) -> None:
    assert [brief(each) for each in options_of(tmp_path, ARGPARSE).arguments] == [
        ("data", "text", None, True),
        ("--learning-rate", "float", 0.1, False),
        ("--hidden-dim", "int", None, True),
        ("--optimizer", "text", ("adam", "sgd"), False),
        ("--heads", "choice", (1, 2, 4), False),
        ("--amp", "bool", False, False),
        ("--no-shuffle", "bool", False, False),
        ("--bias/--no-bias", "bool", True, False),
        ("--name", "text", None, False),
        ("--dims", "other", (1, 2), False),
        ("--tag", "other", None, False),
        ("--scale", "float", 2.0, False),
        ("--flag", "other", False, False),
    ]


COMMANDS = f"""
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--verbose", action="store_true")
commands = parser.add_subparsers(dest="command")
commands.add_parser("test").add_argument("--checkpoint")
commands.add_parser("train").add_argument("--lr", type=float, default=0.1)
parser.parse_args()
{NEVER}
"""


def test_argparse_with_commands(tmp_path: Path) -> None:
    options = options_of(tmp_path, COMMANDS)
    assert options.commands == ("train",)
    assert [brief(each) for each in options.arguments] == [("--lr", "float", 0.1, False)]
    assert [brief(each) for each in options.before_command] == [("--verbose", "bool", False, False)]


def test_command_is_taken_only_where_its_name_or_its_parser_says_so(tmp_path: Path) -> None:
    unknown = COMMANDS.replace('"train"', '"one"').replace('"test"', '"two"')
    options = options_of(tmp_path, unknown)
    assert options.commands == () and len(options.arguments) == 1
    options = options_of(tmp_path, unknown.replace('"command")', '"command", required=True)'))
    assert (options.commands, options.guessed_from) == (("two",), ("two", "one"))
    deep = COMMANDS.replace(
        'commands.add_parser("train")',
        'commands.add_parser("run").add_subparsers().add_parser("fit")',
    )
    options = options_of(tmp_path, deep)
    assert options.commands == ("run", "fit")
    assert [brief(each) for each in options.arguments] == [("--lr", "float", 0.1, False)]


GROUP = f"""
import click
@click.group()
@click.option("--data", required=True)
def cli(data):
    {NEVER}
@cli.command()
@click.option("--lr", default=0.1)
@click.option("--dims", nargs=2, type=int, default=(1, 2))
def train(lr, dims):
    {NEVER}
@cli.command()
def test():
    {NEVER}
cli()
"""


def test_click_with_commands(tmp_path: Path) -> None:
    options = options_of(tmp_path, GROUP)
    assert options.commands == ("train",)
    assert [brief(each) for each in options.before_command] == [("--data", "text", None, True)]
    assert [brief(each) for each in options.arguments] == [
        ("--lr", "float", 0.1, False),
        ("--dims", "other", (1, 2), False),
    ]
    alone = GROUP.replace("click.group()", "click.group(invoke_without_command=True)")
    options = options_of(tmp_path, alone.replace("def train", "def look"))
    assert options.commands == ()
    assert [each.path for each in options.arguments] == ["arguments.--data"]


TWICE = f"""
import argparse
first = argparse.ArgumentParser(add_help=False)
first.add_argument("--model", choices=["mlp", "cnn"], default="mlp")
known, rest = first.parse_known_args()
parser = argparse.ArgumentParser(parents=[first])
parser.add_argument("--width" if known.model == "mlp" else "--channels", type=int, default=8)
parser.parse_args(rest)
{NEVER}
"""


def test_parser_that_leaves_the_rest_to_another(tmp_path: Path) -> None:
    assert [brief(each) for each in options_of(tmp_path, TWICE).arguments] == [
        ("--model", "text", ("mlp", "cnn"), False),
        ("--width", "int", 8, False),
    ]


JSONARGPARSE = f"""
import enum
from typing import Literal
from jsonargparse import ArgumentParser, auto_cli
class Kind(enum.Enum):
    SMALL = 1
    LARGE = 2
class Net:
    def __init__(self, width: int = 8, act: Literal["relu", "gelu"] = "relu"):
        pass
def main(net: Net, lr: float = 0.1, kind: Kind = Kind.SMALL, amp: bool = False):
    {NEVER}
parser = ArgumentParser()
parser.add_class_arguments(Net, "net")
parser.add_function_arguments(main, skip={{"net"}})
parser.add_argument("--config", action="config")
parser.parse_args()
{NEVER}
"""


def test_jsonargparse(tmp_path: Path) -> None:
    assert [brief(each) for each in options_of(tmp_path, JSONARGPARSE).arguments] == [
        ("--net.width", "int", 8, False),
        ("--net.act", "text", ("relu", "gelu"), False),
        ("--lr", "float", 0.1, False),
        ("--kind", "text", ("SMALL", "LARGE"), False),
        ("--amp", "other", False, False),
    ]


CLICK = f"""
import click
@click.command()
@click.argument("data")
@click.option("--lr", default=0.1)
@click.option("-w", "--width", type=click.IntRange(1, 64), required=True)
@click.option("--act", type=click.Choice(["relu", "gelu"]), default="relu")
@click.option("--amp/--no-amp", default=True)
@click.option("--wandb", is_flag=True)
@click.option("--dims", multiple=True, type=int)
@click.version_option("1")
def main(**given):
    {NEVER}
if __name__ == "__main__":
    main()
"""


def test_click(tmp_path: Path) -> None:
    assert [brief(each) for each in options_of(tmp_path, CLICK).arguments] == [
        ("data", "text", None, True),
        ("--lr", "float", 0.1, False),
        ("--width", "int", None, True),
        ("--act", "text", ("relu", "gelu"), False),
        ("--amp/--no-amp", "bool", True, False),
        ("--wandb", "bool", False, False),
        ("--dims", "other", None, False),
    ]


TYPER = f"""
import enum
from typing import Annotated, Optional
import typer
class Act(str, enum.Enum):
    relu = "ReLU"
    gelu = "GELU"
app = typer.Typer()
@app.command()
def train(
    data: str,
    lr: float = 0.1,
    width: Annotated[int, typer.Option("--hidden-dim", min=1)] = 8,
    act: Act = Act.relu,
    amp: bool = False,
    name: Optional[str] = None,
    depth: int = typer.Option(...),
):
    {NEVER}
"""


def test_bounds_of_click_and_typer(tmp_path: Path) -> None:
    for text in (CLICK, TYPER + "app()\n"):
        bounds = {each.path: (each.low, each.high) for each in options_of(tmp_path, text).arguments}
        width = bounds.get("arguments.--width") or bounds["arguments.--hidden-dim"]
        assert width in ((1, 64), (1, None))
        assert bounds["arguments.--lr"] == (None, None)


def test_typer(tmp_path: Path) -> None:
    options = options_of(tmp_path, TYPER + "app()\n")
    assert options.commands == ()
    assert [brief(each) for each in options.arguments] == [
        ("data", "text", None, True),
        ("--lr", "float", 0.1, False),
        ("--hidden-dim", "int", 8, False),
        ("--act", "text", ("ReLU", "GELU"), False),
        ("--amp/--no-amp", "bool", False, False),
        ("--name", "text", None, False),
        ("--depth", "int", None, True),
    ]
    several = TYPER + "@app.command()\ndef evaluate(checkpoint: str): ...\napp()\n"
    options = options_of(tmp_path, several)
    assert options.commands == ("train",)
    assert len(options.arguments) == 7


FIRE = f"""
import fire
def main(data: str, lr=0.1, width: int = 8, amp=False, dims=(1, 2), **rest):
    {NEVER}
class Run:
    def __init__(self, lr: float = 0.1):
        self.lr = lr
    def test(self, checkpoint="x"):
        {NEVER}
    def fit(self, epochs=3):
        {NEVER}
"""


def test_fire(tmp_path: Path) -> None:
    options = options_of(tmp_path, FIRE + "fire.Fire(main)\n")
    assert [brief(each) for each in options.arguments] == [
        ("--data", "text", None, True),
        ("--lr", "float", 0.1, False),
        ("--width", "int", 8, False),
        ("--amp/--noamp", "bool", False, False),
        ("--dims", "other", None, False),
    ]
    for component in ("Run", "Run()", '{"fit": Run().fit, "test": Run().test}'):
        options = options_of(tmp_path, FIRE + f"fire.Fire({component})\n")
        assert options.commands == ("fit",)
        assert options.arguments[-1].path == "arguments.--epochs"


HYDRA = f"""
import hydra
@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    {NEVER}
if __name__ == "__main__":
    main()
"""
CONFIGS = {
    "config.yaml": "defaults: [_self_, encoder: one, model: small, optimizer: adam]\n"
    "seed: 1\nepochs: 3\n"
    "steps: ${epochs}\ndata:\n  path: ???\n"
    "callback: {_target_: lightning.pytorch.callbacks.ModelCheckpoint, "
    "monitor: val/acc, mode: max}",
    "encoder/one.yaml": "dims: [1, 2]",
    "encoder/two.yaml": "dims: [3]",
    "model/small.yaml": "_target_: net.Net\nwidth: 8\nbias: true",
    "model/large.yaml": "_target_: net.Net\nwidth: 64\nbias: true",
    "optimizer/adam.yaml": "_target_: torch.optim.Adam\n_partial_: true\nlr: 0.001\namsgrad: false",
    "optimizer/sgd.yaml": "_target_: torch.optim.SGD\n_partial_: true\nlr: 0.1\nmomentum: 0.9",
}


@pytest.fixture
def hydra_configs(tmp_path: Path) -> Path:
    for name, text in CONFIGS.items():
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


COMPOSE = f"""
import sys
from hydra import compose, initialize
with initialize(version_base=None, config_path="conf"):
    cfg = compose("config", overrides=sys.argv[1:])
{NEVER}
"""


POSITIONAL = HYDRA.replace('config_path="conf", config_name="config"', "").replace(
    "hydra.main(", 'hydra.main("conf", "config", '
)


KEYWORDS = COMPOSE.replace('"config", ', 'config_name="config", return_hydra_config=False, ')


@pytest.mark.parametrize(
    "text",
    [HYDRA, POSITIONAL, COMPOSE, KEYWORDS],
    ids=["main", "positional", "compose", "compose-keywords"],
)
def test_hydra(hydra_configs: Path, text: str) -> None:
    options = options_of(hydra_configs, text)
    assert options.is_hydra
    assert [brief(each) for each in options.arguments] == [
        ("encoder", "text", ("one", "two"), False),
        ("model", "text", ("large", "small"), False),
        ("optimizer", "text", ("adam", "sgd"), False),
        ("seed", "int", 1, False),
        ("epochs", "int", 3, False),
        ("data.path", "other", None, True),
        ("callback.monitor", "text", "val/acc", False),
        ("callback.mode", "text", "max", False),
        ("encoder.dims", "other", (1, 2), False),
        ("model.width", "int", 8, False),
        ("model.bias", "bool", True, False),
        ("optimizer.lr", "float", 0.001, False),
        ("optimizer.amsgrad", "bool", False, False),
    ]
    annotations = [each.annotation for each in options.arguments[:3]]
    assert annotations == [
        "config group",
        "config group of values",
        "config group of unlike options",
    ]
    assert [each.path.rpartition(".")[2] for each in options.arguments if each.is_foreign] == [
        "seed",
        "epochs",
        "monitor",
        "mode",
        "dims",
        "lr",
        "amsgrad",
    ]
    assert [(each.metric, each.mode) for each in options.monitors] == [("val/acc", "max")]
    assert "net.Net" in options.targets


def test_script_that_sweeps_is_looked_at_as_one_job(hydra_configs: Path) -> None:
    config = hydra_configs / "conf/config.yaml"
    plain = options_of(hydra_configs, HYDRA)
    config.write_text(
        f"{config.read_text()}\nhydra: {{mode: MULTIRUN, sweeper: {{params: {{seed: '1,2'}}}}}}\n"
    )
    options = options_of(hydra_configs, HYDRA)
    assert (plain.hydra_overrides, options.hydra_overrides) == ((), ("hydra.mode=RUN",))
    assert options.arguments == plain.arguments
    description = Description(is_hydra=True, hydra_overrides=options.hydra_overrides)
    (line,) = script_lines({}, description, [])
    assert line.partition("  ")[0] == "hydra: {overrides: [hydra.mode=RUN]}"


PLAIN = """
import lightning.pytorch as pl
from lightning.pytorch.demos.boring_classes import BoringModel
pl.Trainer(max_epochs=1, accelerator="cpu").fit(BoringModel())
"""
PARSERS = "argparse, click, typer, fire, jsonargparse or Hydra"
NO_SCRIPT = (
    f"script: {{}} has no parser ({PARSERS}), and never reaches Trainer.fit. Name the file that "
    "you train with, or a class, as in `search init my_package.module:MyModule`."
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("class Net: pass", NO_SCRIPT),
        (
            PLAIN,
            f"script: {{}} takes no options, and trains. Give it a parser ({PARSERS}), or search "
            "trainer.accumulate_grad_batches and what else its Trainer takes.",
        ),
        (
            "import argparse\nargparse.ArgumentParser().add_argument('--lr', typ=float)",
            "script: {0} fails before it reads its command line: TypeError: "
            "_StoreAction.__init__() got an unexpected keyword argument 'typ' ({0}, line 2). Let "
            "it run with `--help` first.",
        ),
        (
            "import fire\nfire.Fire(3)",
            "script: gives Fire nothing with parameters. Give it the function, as in Fire(main).",
        ),
        (
            "from lightning.pytorch.cli import LightningCLI\nLightningCLI()",
            "script: is a LightningCLI. Propose a study file from its configuration, as in `search "
            "init --config config.yaml --cli train:main`.",
        ),
    ],
    ids=["no-script", "no-parser", "failing-parser", "no-function", "lightning-cli"],
)
def test_script_without_options_is_told_in_one_line(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(UserError) as refused:
        options_of(tmp_path, text)
    assert str(refused.value) == line.format(tmp_path / "train.py")


@pytest.mark.parametrize("text", [HYDRA, COMPOSE], ids=["main", "compose"])
def test_groups_of_hydra_that_must_be_chosen(hydra_configs: Path, text: str) -> None:
    config = CONFIGS["config.yaml"].replace("one,", "'???',").replace("small,", "'???',")
    (hydra_configs / "conf/config.yaml").write_text(config)
    arguments = options_of(hydra_configs, text).arguments
    assert [(brief(each)[2], each.is_required, each.annotation) for each in arguments[:3]] == [
        (("one", "two"), True, "config group"),
        (("large", "small"), True, "config group of values"),
        (("adam", "sgd"), False, "config group of unlike options"),
    ]
    # of the first option
    assert ("model.width", "int", 64, False) in [brief(each) for each in arguments]

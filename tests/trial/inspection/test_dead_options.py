"""A searched option of a script that nothing reads is named before any trial; one that anything
reads is not, wherever that is."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import torch

from search.engine.preflight import check_config
from search.layout import TrialFolder
from search.study_file.load import parse_study_tree
from search.trial.attempt import read_config
from search.trial.building.script_process import as_it_was
from search.trial.inspection.option_reads import may_be_read
from search.trial.tasks.check import check

SCRIPT = """
import argparse

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Decay(pl.Callback):
    def __init__(self, factor):
        self.factor = factor

    def on_train_epoch_end(self, trainer, pl_module):
        for group in trainer.optimizers[0].param_groups:
            group["lr"] *= self.factor


class Net(pl.LightningModule):
    def __init__(self, args, lr):
        super().__init__()
        self.automatic_optimization = False
        self.lr, self.second_lr, self.kind = lr, args.second_lr, args.optimizer
        self.momentum = args.momentum if args.optimizer == "sgd" else 0.0
        self.first, self.second = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)

    def loss(self, batch):
        return torch.nn.functional.mse_loss(self.second(self.first(batch[0])), batch[1])

    def training_step(self, batch, index):
        optimizers = self.optimizers()
        for optimizer in optimizers:
            optimizer.zero_grad()
        self.manual_backward(self.loss(batch) * OPTIONS.global_scale)
        for optimizer in optimizers:
            optimizer.step()

    def validation_step(self, batch, index):
        self.log("val_loss", self.loss(batch))

    def configure_optimizers(self):
        momentum = {"momentum": self.momentum} if self.kind == "sgd" else {}
        kind = torch.optim.SGD if self.kind == "sgd" else torch.optim.Adam
        return [
            kind(self.first.parameters(), lr=self.lr, **momentum),
            torch.optim.SGD(self.second.parameters(), lr=self.second_lr),
        ]


parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--second-lr", type=float, default=0.1)
parser.add_argument("--batch-size", type=int, default=8)
parser.add_argument("--clip", type=float, default=1.0, help="unused in manual optimization")
parser.add_argument("--decay-factor", type=float, default=0.9)
parser.add_argument("--optimizer", choices=["adam", "sgd"], default="adam")
parser.add_argument("--momentum", dest="momentum", type=float, default=0.9)
parser.add_argument("--pretrain-lr", type=float, default=0.1)
parser.add_argument("--global-scale", type=float, default=1.0)
parser.add_argument("--unused", type=float, default=1.0, help="nothing reads it")
parser.add_argument("--printed", type=float, default=1.0)
parser.add_argument("--kept-as", dest="other", type=float, default=1.0)
args = parser.parse_args()


class OPTIONS:
    global_scale = args.global_scale


print(args.printed)
x = torch.linspace(-1, 1, 32).unsqueeze(1)
data = TensorDataset(x, 2 * x)


def loader(size):
    return DataLoader(data, batch_size=size)


def fit(model, **given):
    trainer = pl.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, **given)
    trainer.fit(model, loader(args.batch_size), loader(32))


before = Net(args, args.pretrain_lr)
fit(before)
model = Net(args, args.lr)
model.first.load_state_dict(before.first.state_dict())
fit(model, limit_train_batches=args.clip, callbacks=[Decay(args.decay_factor)])
"""
# the same with all that it does in a function
HEAD, MAIN = SCRIPT.split("\nparser = ")
WITHOUT_GLOBALS = (
    HEAD.replace(" * OPTIONS.global_scale", "")
    + "\ndef main():\n"
    + textwrap.indent("parser = " + MAIN, "    ")
    + "\n\nmain()\n"
)
LIVE = {
    "--lr": "only the optimizer",
    "--second-lr": "only the second optimizer",
    "--batch-size": "only the data loader",
    "--clip": "only the Trainer",
    "--decay-factor": "only a callback",
    "--optimizer": "the choice of an optimizer",
    "--momentum": "only with the other optimizer",
    "--pretrain-lr": "only a fit before",
    "--global-scale": "only a global, while training",
}

# of another option's value, of a global
_NOT_ALONE = ("--momentum", "--global-scale")


def space_of(*names: str) -> dict[str, object]:
    space: dict[str, object] = {name: {"float": [0.25, 0.5]} for name in names}
    space |= {"--batch-size": {"choice": [4, 8]}} if "--batch-size" in names else {}
    space |= {"--optimizer": {"choice": ["adam", "sgd"]}} if "--optimizer" in names else {}
    return space


def problems(
    folder: Path, *names: str, script: str = SCRIPT, **sections: object
) -> tuple[str, ...]:
    path = folder / "train.py"
    path.write_text(script)
    tree = {"script": str(path), "objective": "val_loss", "space": space_of(*names), **sections}
    study = parse_study_tree(tree, source="study.yaml", default_name="study")
    trial = TrialFolder(folder)
    check_config(study).write(trial.config)
    with as_it_was():
        return check(read_config(trial), trial).problems


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
def test_option_that_anything_reads_is_alive(tmp_path: Path) -> None:
    assert problems(tmp_path, *LIVE) == ()


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in LIVE if name not in _NOT_ALONE])
def test_option_that_one_thing_reads_is_alive_by_what_it_changes(tmp_path: Path, name: str) -> None:
    assert problems(tmp_path, name, script=WITHOUT_GLOBALS) == ()


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
def test_each_option_that_nothing_reads_is_named(tmp_path: Path) -> None:
    found = problems(tmp_path, "--lr", "--optimizer", "--unused", "--kept-as")
    assert found == tuple(
        f"space.arguments.{name}: changes nothing: model, data, optimizer and Trainer are the same "
        "at 0.25 and 0.5. Use it in the code, or search something else."
        for name in ("--unused", "--kept-as")
    )


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
def test_option_that_is_printed_alone_is_dead_where_no_other_could_make_it_count(
    tmp_path: Path,
) -> None:
    assert problems(tmp_path, "--printed") == ()
    (found,) = problems(tmp_path, "--printed", script=WITHOUT_GLOBALS)
    assert found.startswith("space.arguments.--printed: changes nothing: ")
    assert problems(tmp_path, "--printed", "--lr", script=WITHOUT_GLOBALS) == ()


# `--sgd-momentum` counts with one optimizer alone, and nothing has its name
BY_PREFIX = WITHOUT_GLOBALS.replace('args.momentum if args.optimizer == "sgd" else 0.0', "0.0")
BY_PREFIX = BY_PREFIX.replace('"--momentum", dest="momentum"', '"--sgd-momentum"').replace(
    'self.kind == "sgd" else {}\n',
    """self.kind == "sgd" else {}
        if self.kind == "sgd":
            momentum = {name[4:]: each for name, each in self.options if name[:4] == "sgd_"}
""",
)


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
def test_option_that_is_read_among_all_counts_with_another_ones_value(tmp_path: Path) -> None:
    items = (
        "args.optimizer\n        self.options = [] if self.kind == 'adam' else vars(args).items()"
    )
    script = BY_PREFIX.replace("args.optimizer\n", items + "\n", 1)
    assert problems(tmp_path, "--optimizer", "--sgd-momentum", script=script) == ()


HYDRA = """
import hydra
import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Net(pl.LightningModule):
    def __init__(self, optimizer):
        super().__init__()
        self.optimizer = optimizer
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, index):
        return self.layer(batch[0]).square().mean()

    def validation_step(self, batch, index):
        self.log("val_loss", self.layer(batch[0]).square().mean())

    def configure_optimizers(self):
        return self.optimizer(self.parameters())


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    optimizer = hydra.utils.instantiate(cfg.sgd if cfg.kind == "sgd" else cfg.adam)
    data = TensorDataset(torch.linspace(-1, 1, 8).unsqueeze(1))
    trainer = pl.Trainer(max_epochs=1, accelerator="cpu", logger=False)
    trainer.fit(Net(optimizer), DataLoader(data), DataLoader(data))


main()
"""
CONFIG = """
kind: adam
rate: 0.1
unused: 0.1
other: {unused: 0.1}
adam: {_target_: torch.optim.Adam, _partial_: true}
sgd: {_target_: torch.optim.SGD, _partial_: true, lr: "${rate}", momentum: 0.9}
"""


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
def test_value_of_hydra_counts_by_an_interpolation_and_by_its_section(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/config.yaml").write_text(CONFIG)
    space = {each: {"float": [0.25, 0.5]} for each in ("rate", "sgd.momentum", "other.unused")}
    sections = {"hydra": True, "space": {"kind": {"choice": ["adam", "sgd"]}, **space}}
    (found,) = problems(tmp_path, script=HYDRA, **sections)
    assert found.startswith("space.arguments.other.unused: changes nothing: ")


READ = 'parser.add_argument("--lr", "--rate", dest="speed")\nargs = parser.parse_args()\n'
NAMES = [
    ("--lr", READ + "args.speed", True),
    ("--lr", READ + "args.rate", True),
    ("--lr", READ + 'getattr(args, "speed")', True),
    ("--lr", READ, False),
    ("--lr", READ + "args.momentum", False),
    # argparse takes the beginning of a name
    ("--ra", READ + "args.speed", True),
    ("--lr", 'for name in ["lr"]:\n    parser.add_argument(f"--{name}")', True),
    ("--amp/--no-amp", "def main(amp: bool = False):\n    print(amp)", True),
    ("--amp/--no-amp", "def main(amp: bool = False):\n    print(1)", False),
    ("--lr", 'def main(speed: float = Option(1.0, "--lr")):\n    print(speed)', True),
    ("--lr", 'def main(speed: float = Option(1.0, "--lr")):\n    print(1)', False),
    ("--lr", 'def main(speed: Annotated[float, Option("--lr")] = 1.0):\n    print(speed)', True),
    ("--lr", 'def main(*, speed=Option(1.0, "--lr")):\n    print(speed)', True),
    ("--model.lr", "class Net:\n    def __init__(self, lr):\n        self.lr = lr", True),
    ("data", "print(1)", True),
]


@pytest.mark.parametrize(("option", "text", "is_read"), NAMES)
def test_names_of_options_in_a_source(
    tmp_path: Path, option: str, text: str, is_read: bool
) -> None:
    source = tmp_path / "train.py"
    source.write_text(text)
    assert may_be_read(option, [source]) is is_read


PARSE = 'parser.add_argument("--momentum")\nargs = parser.parse_args()\n'
CLICK = '@click.command()\n@click.option("--momentum")\ndef main(**options):\n    '
NET = "class Net:\n    def __init__(self, **kwargs):\n        self.save_hyperparameters()\n"
HANDED_ON = [
    PARSE + "for name, value in vars(args).items():\n    options[name] = value",
    PARSE + "SGD(weights, **{k: v for k, v in vars(args).items() if k in known})",
    PARSE + "timm.optim.create_optimizer(args, net)",
    PARSE + "Trainer.from_argparse_args(args)",
    PARSE + 'args.__dict__[f"{kind}_momentum"]',
    PARSE + 'getattr(args, "moment" + "um")',
    PARSE + "def build(given):\n    options = vars(given)\n    SGD(**options)\nbuild(args)",
    PARSE + "def train(given):\n    SGD(**vars(given))\npartial(train, args)",
    PARSE + NET + "    def build(self):\n        SGD(**self.hparams)\nNet(**vars(args))",
    PARSE + "class Net:\n    def __init__(self, given):\n        self.given = given\n"
    "    def build(self):\n        SGD(**vars(self.given))\nNet(given=args)",
    PARSE
    + "@logged\ndef train(given):\n    given.lr\ndef logged(function):\n    pass\ntrain(args)",
    PARSE + "chosen = args if args.lr else None\nmake(chosen)",
    "def options():\n    " + PARSE.replace("\n", "\n    ") + "return args\nmake(options())",
    PARSE + "exec(text)",
    'parser.add_argument("--momentum")\nmake(parser)',
    CLICK + "SGD(**options)",
    CLICK + "SGD(**click.get_current_context().params)",
    CLICK + "make(options)",
    "def main(momentum: float = 0.9):\n    SGD(**locals())",
    "def main(**options):\n    SGD(**options)\nfire.Fire(main)",
    "class Config:\n    momentum: float = 0.9\nmake(tyro.cli(Config))",
    PARSE + 'd = vars(args)\nd.get(f"{kind}_momentum")',
    PARSE + "vars(args).setdefault(KEY, 1)",
    PARSE + "args.__getattribute__(KEY)",
    PARSE + "read = vars(args).get\nread(KEY)",
    "given = Namespace()\n" + PARSE.replace("s()", "s(namespace=given)") + "make(given)",
    "given = Namespace()\n" + PARSE.replace("s()", "s(None, given)") + "make(given)",
    "class given: pass\n" + PARSE.replace("s()", "s(namespace=given)") + "vars(given)[KEY]",
    PARSE + "def train(args=args):\n    SGD(**vars(args))\ntrain()",
    PARSE + "def train(*, given=args):\n    SGD(**vars(given))\ntrain()",
    PARSE + "train = lambda args=args: SGD(**vars(args))",
    *(
        f"def main():\n    {PARSE}    context = {maker}(args=args)\n    make(vars(context.args))"
        for maker in ("SimpleNamespace", "Namespace", "dict")
    ),
    "class Run:\n    @property\n    def given(self):\n        return parser.parse_args()\n"
    + "parser.add_argument('--momentum')\nvars(Run().given)[KEY]",
    "class Run:\n    def given(self):\n        return self.read()\n    def read(self):\n"
    + "        return parser.parse_args()\n"
    + "parser.add_argument('--momentum')\nread = Run().given\nvars(read())[KEY]",
    PARSE + 'setattr(module, "conf", args)\nvars(module.conf)[KEY]',
    PARSE + 'vars(getattr(run, "args"))[KEY]',
    PARSE + "SGD(**json.loads(json.dumps(vars(args))))",
    PARSE + "yaml.safe_dump(vars(args), file)\nSGD(**yaml.safe_load(other))",
    PARSE + "json.dump(vars(args), file)",
    PARSE + 'file.write(f"{args}")',
    PARSE + "subprocess.run([sys.executable, 'fit.py', *sys.argv[1:]])",
    PARSE + "os.execv(program, ['fit.py'] + sys.argv[1:])",
    PARSE + 'os.system(f"python fit.py {shlex.join(sys.argv[1:])}")',
    "from sys import argv as words\n" + PARSE + "main(words)",
    PARSE + "parsed = parser.parse_known_args()\nvars(parsed[0])[KEY]",
    PARSE + "class Run:\n    args = args\nvars(Run.args)[KEY]",
    PARSE + "def resolve(given):\n    vars(given)[KEY]\nresolve(args)",
    PARSE + "def changed(given):\n    vars(given)[KEY]\n    return args\nchanged(args)",
    PARSE
    + "class Net:\n    def __init__(self, given):\n        self.save_hyperparameters()\n"
    + "    def build(self):\n        SGD(**vars(self.hparams.given))\nNet(args)",
]
KEPT = [
    PARSE + "def train(given):\n    print(given)\n    given.lr\ntrain(args)",
    PARSE + NET + "        self.hparams.lr\nNet(**vars(args))",
    PARSE + "print(json.dumps(vars(args), indent=2))\nlogger.log_hyperparams(args)",
    PARSE + 'print(f"{args}", "options: " + str(args))\nprint("%s" % args)',
    PARSE + 'given = vars(args)\ngiven.get("lr")\ngiven.setdefault("lr", 1)\ngetattr(args, "lr")',
    PARSE.replace("s()", "s(sys.argv[1:])") + "print(sys.argv[0], len(sys.argv), sys.argv)",
    PARSE + "def train(args=args):\n    print(args.lr)\ntrain()",
    "given = Namespace()\n" + PARSE.replace("s()", "s(namespace=given)") + "given.lr",
    PARSE + "class Net:\n    def f(self, *args, **kwargs):\n        super().f(*args, **kwargs)",
    PARSE.replace("args =", "args, rest =").replace("_args", "_known_args") + "make(rest, args.lr)",
    "def options():\n    " + PARSE.replace("\n", "\n    ") + "return args\noptions().lr",
    CLICK + 'make(options["lr"])',
    'import click\n@click.option("--momentum")\ndef main(momentum, lr):\n    make(lr)',
    "def main(momentum: float = 0.9, lr: float = 1):\n    make(lr)\nfire.Fire(main)",
]


@pytest.mark.parametrize(
    ("text", "is_read"), [(each, True) for each in HANDED_ON] + [(each, False) for each in KEPT]
)
def test_option_may_be_read_where_all_are_handed_on(
    tmp_path: Path, text: str, is_read: bool
) -> None:
    source = tmp_path / "train.py"
    source.write_text(text)
    assert may_be_read("--momentum", [source]) is is_read


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("from options import args as given\nmake(**vars(given))", True),
        ("import options\nmake(**vars(options.args))", True),
        ("import options\nmake(options.args.lr)", False),
    ],
)
def test_options_are_followed_through_imports(tmp_path: Path, text: str, is_read: bool) -> None:
    files = tmp_path / "options.py", tmp_path / "train.py"
    for path, content in zip(files, (PARSE, text), strict=True):
        path.write_text(content)
    assert may_be_read("--momentum", files) is is_read


MAIN = "@hydra.main(config_path=None)\ndef main(cfg):\n    "


@pytest.mark.parametrize(
    ("path", "text", "configs", "is_read"),
    [
        ("optimizer.momentum", MAIN + "cfg.optimizer.momentum", [], True),
        ("optimizer.momentum", MAIN + "instantiate(cfg.optimizer)", [], True),
        ("optimizer.momentum", MAIN + 'instantiate(cfg["optimizer"])', [], True),
        ("optimizer.momentum", MAIN + 'instantiate(cfg.get("optimizer"))', [], True),
        ("optimizer.momentum", MAIN + "instantiate(cfg)", [], True),
        ("optimizer.momentum", MAIN + 'make(getattr(cfg, "optimizer"))', [], True),
        ("optimizer.momentum", MAIN + "cfg.optimizer.get(KEY)", [], True),
        ("optimizer.momentum", MAIN + 'cfg.optimizer.get("lr")', [], False),
        ("optimizer.momentum", MAIN + "print(OmegaConf.to_yaml(cfg))", [], False),
        ("optimizer.momentum", MAIN + "OmegaConf.create(OmegaConf.to_yaml(cfg))", [], True),
        ("optimizer.momentum", MAIN + "with open_dict(cfg) as c:\n        make(c)", [], True),
        ("optimizer.momentum", MAIN + "with open_dict(cfg):\n        cfg.lr = 1", [], False),
        ("optimizer.momentum", MAIN + "instantiate(cfg.model)", [], False),
        ("optimizer.momentum", "make(config)", [], True),
        ("optimizer.momentum", MAIN + "cfg.lr", None, True),
        ("momentum", MAIN + "cfg.lr", ["model: {beta: '${momentum}'}"], True),
        ("momentum", MAIN + "cfg.lr", ["beta: ${mul:${lr},${.momentum}}"], True),
        ("sgd.momentum", MAIN + "cfg.lr", ["first: ${sgd}"], True),
        ("sgd.momentum", MAIN + "cfg.lr", ["beta: ${sgd.lr}", "beta: ${lr}"], False),
        ("momentum", MAIN + 'cfg.lr\nNode(beta="${momentum}")', [], True),
        ("+momentum", MAIN + "cfg.lr", [], False),
        ("+momentum", MAIN + "cfg.momentum", [], True),
        ("model/net", MAIN + "instantiate(cfg.model.net)", [], True),
    ],
)
def test_value_of_hydra_may_be_read(
    tmp_path: Path, path: str, text: str, configs: list[str] | None, is_read: bool
) -> None:
    source = tmp_path / "train.py"
    source.write_text(text)
    assert may_be_read(path, [source], configs) is is_read


ALONE = """
import argparse

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--scale", type=float, default=1.0)
given = parser.parse_args().scale
before = None


class Scaled(torch.nn.Module):
    factor = 1.0

    def forward(self, x):
        return self.factor * x


def loss_of(x, factor=1.0):
    return factor * x.square().mean()


def make(factor):
    class Net(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), Scaled())
            torch.nn.init.ones_(self.layers[0].weight)

        def training_step(self, batch, index):
            return factor * loss_of(self.layers(batch[0]))

        def validation_step(self, batch, index):
            self.log("val_loss", loss_of(self.layers(batch[0])))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return Net()


data = TensorDataset(torch.linspace(-1, 1, 32).unsqueeze(1))
trainer = pl.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False)
trainer.fit(make(1.0), DataLoader(data, batch_size=8, shuffle=True), DataLoader(data))
"""


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("make(1.0)", "make(given)", id="a name around the class"),
        pytest.param("    factor = 1.0", "    factor = given", id="an attribute of a class"),
        pytest.param("(x, factor=1.0)", "(x, factor=given)", id="a default"),
        pytest.param(
            "before = None", "pl.seed_everything(int(100 * given))", id="what is drawn in the fit"
        ),
        pytest.param(
            "before = None", "torch.set_num_threads(1 + (given > 0.3))", id="a switch of torch"
        ),
        pytest.param("before = None", "print(given)", id="nothing"),
    ],
)
def test_option_counts_by_whatever_way_it_comes_to_training(
    tmp_path: Path, old: str, new: str
) -> None:
    threads = torch.get_num_threads()
    found = problems(tmp_path, "--scale", script=ALONE.replace(old, new))
    torch.set_num_threads(threads)
    assert bool(found) is (new == "print(given)")

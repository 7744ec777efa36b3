"""Names of options in a source: those that something may read, by whatever way they come to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.trial.inspection.option_reads import may_be_read

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

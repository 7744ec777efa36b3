"""Functions and methods of libraries that are given all options, by what they do with them."""

from __future__ import annotations

PARSES = frozenset({"parse_args", "parse_known_args"})
# a text of it is read by whoever parses that
COPIES = frozenset(
    {
        *("vars", "dict", "copy", "deepcopy", "Namespace", "SimpleNamespace", "open_dict"),
        *("str", "repr", "format", "pformat", "dumps", "to_yaml", "join"),
    }
)
GIVING_ALL = frozenset({"items", "values", "keys", "pop", "popitem", "copy", "_get_kwargs"})
GIVING_ONE = frozenset({"get", "setdefault"})
BY_NAME = frozenset({"getattr", "hasattr", "setattr", "delattr"})
# these show it, or keep it under the name `hparams`
HARMLESS = frozenset(
    {
        *("print", "pprint", "len", "type", "isinstance", "id", "info", "debug", "warning"),
        *("save_hyperparameters", "log_hyperparams", "set_struct", "resolve"),
    }
)


def gives_one(method: str) -> bool:
    """Recognize a method that gives what it is asked for by its name."""
    return method in GIVING_ONE or method.startswith("__")

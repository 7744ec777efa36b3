"""The remedy for a name that nobody knows; every did-you-mean of the house comes from here.

Knows words only; whoever asks says which names there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from search.plain.tree import ARGUMENT_KEYS, ARGUMENTS

_MOST_LISTED = 12
_SHORTEST_BEGINNING = 3
# the same thing under another name; a name is only ever suggested where it is known
_ALSO_CALLED = {
    "learning_rate": "lr",
    "lr": "learning_rate",
    "wd": "weight_decay",
    "bs": "batch_size",
    "epochs": "max_epochs",
    "steps": "max_steps",
}
# the ending of a class that has the name
_CLASS = re.compile(r"(?<=\w)(Sampler|Pruner|Logger|Callback)$")
_IN_CLASS = re.compile(rf"({'|'.join((*ARGUMENT_KEYS, ARGUMENTS))})\.")


def did_you_mean(
    given: object,
    known: Iterable[str],
    other_words: Mapping[str, str] | None = None,
    *,
    otherwise: str | None = None,
) -> str:
    """The nearest known name as a sentence.

    Args:
        other_words: a word of the field, in the form of `plain_word`, and the sentence that says
            which name it has here.
        otherwise: the sentence where no name is near; None lists all names.
    """
    names = list(known)
    # a class may be told with its module, and with what it is
    last = str(given).rpartition(".")[2]
    for word in dict.fromkeys((str(given), last, _CLASS.sub("", last))):
        if (sentence := (other_words or {}).get(plain_word(word))) is not None:
            return sentence
        if (near := nearest(word, names)) is not None:
            return f"Did you mean {near}?"
    return one_of(names) if otherwise is None else otherwise


def nearest(given: str, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one was probably meant to be; None where none is near."""
    plain: dict[str, str] = {}
    for name in known:
        plain.setdefault(_compared(name), name)
    word = _compared(given)
    if (other := _ALSO_CALLED.get(word)) in plain:
        return plain[other]
    # letters that changed places are the likeliest slip
    near = [name for name in plain if sorted(name) == sorted(word)]
    near += get_close_matches(word, plain, 1)
    begun = [name for name in plain if name.startswith(word)]
    if len(word) >= _SHORTEST_BEGINNING and len(begun) == 1:
        near += begun
    return plain[near[0]] if near else None


def one_of(names: list[str]) -> str:
    """A sentence that lists what there is."""
    if not names:
        return "Remove it."
    left = len(names) - _MOST_LISTED
    more = f" and {left} more" if left > 0 else ""
    return f"It may be {', '.join(names[:_MOST_LISTED])}{more}."


def plain_word(text: str) -> str:
    """A word without capitals, blanks and hyphens: `CMA-ES` as `cmaes`."""
    return re.sub(r"[^a-z0-9&]", "", text.lower())


def _compared(name: str) -> str:
    return _IN_CLASS.sub("", name).lower()

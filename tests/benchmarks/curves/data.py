"""Real data that comes with Python, scikit-learn and plotly; nothing is downloaded.

Each function splits in the same way every time; small sets stay small, so that their values are as
noisy as those of small sets are.
"""

from __future__ import annotations

import csv
import gzip
import sysconfig
import unicodedata
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import plotly
import torch
from benchmarks.curves.training import Data
from sklearn import datasets

_LIBRARY = Path(sysconfig.get_path("stdlib"))
_TIPPERS = (
    ("sex", "Female"),
    ("smoker", "Yes"),
    ("time", "Dinner"),
    ("day", "Fri"),
    ("day", "Sat"),
    ("day", "Sun"),
)


def digits(samples: int = 600, metric: str = "loss") -> Data:
    """Images of 8 x 8 pixels: which of ten digits."""
    x, y = datasets.load_digits(return_X_y=True)
    return _classes(x / 16.0 - 0.3, y, samples, metric)


def digit_halves(samples: int = 400) -> Data:
    """The lower half of each image of a digit, by the upper one."""
    x = datasets.load_digits().data / 16.0 - 0.3
    return _targets(x[: samples + 400, :32], x[: samples + 400, 32:], samples)


def nuclei_area(samples: int = 120) -> Data:
    """Texture and shape of cell nuclei: the logarithm of their area."""
    loaded = datasets.load_breast_cancer()
    size = [
        any(word in name for word in ("radius", "perimeter", "area"))
        for name in loaded.feature_names
    ]
    area = loaded.data[:, list(loaded.feature_names).index("mean area")]
    return _targets(
        _standard(loaded.data[:, ~np.array(size)]), _standard(np.log(area)[:, None]), samples
    )


def cancer(samples: int = 200) -> Data:
    """30 measures of cell nuclei: benign or malignant."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    return _classes(_standard(x), y, samples)


def wine(samples: int = 80) -> Data:
    """13 measures of wine: which of three growers."""
    x, y = datasets.load_wine(return_X_y=True)
    return _classes(_standard(x), y, samples)


def diabetes(samples: int = 250) -> Data:
    """Ten measures of patients: how far the disease has gone a year later."""
    x, y = datasets.load_diabetes(return_X_y=True)
    return _targets(_standard(x), _standard(y[:, None]), samples)


def license_text(samples: int = 1500, context: int = 6) -> Data:
    """Python's license, a character after the six before it; validated on its end."""
    text = (_LIBRARY / "LICENSE.txt").read_text(encoding="utf-8").lower()
    text = " ".join(text.split())
    common = [letter for letter, _ in Counter(text).most_common(31)]
    places = np.array([common.index(each) if each in common else 31 for each in text])
    windows = np.lib.stride_tricks.sliding_window_view(places, context + 1)
    cut = len(windows) * 3 // 4
    chosen = np.random.default_rng(0).permutation(cut)[:samples]
    validated = windows[cut :: max(1, (len(windows) - cut) // 400)]
    return Data(
        torch.tensor(windows[chosen, :-1]),
        torch.tensor(windows[chosen, -1]),
        torch.tensor(validated[:, :-1]),
        torch.tensor(validated[:, -1]),
        vocabulary=32,
    )


def source_modules(samples: int = 600, letters: int = 16) -> Data:
    """A piece of Python's own source: which of eight modules it is of."""
    names = ("argparse", "ast", "calendar", "heapq", "ssl", "statistics", "textwrap", "turtle")
    texts = [(_LIBRARY / f"{name}.py").read_text(encoding="utf-8").lower() for name in names]
    common = [letter for letter, _ in Counter("".join(texts)).most_common(39)]
    draws = np.random.default_rng(0)
    parts = []
    # validated on the end of each module
    for first, last, count in ((0.0, 0.75, samples), (0.75, 1.0, 500)):
        modules = draws.integers(0, len(names), count)
        x = []
        for module in modules:
            text = " ".join(texts[module].split())
            at = draws.integers(int(first * len(text)), int(last * len(text)) - letters)
            piece = text[at : at + letters]
            x.append([common.index(each) if each in common else 39 for each in piece])
        parts += [torch.tensor(np.array(x)), torch.tensor(modules)]
    return Data(*parts, metric="error", vocabulary=40)


def unicode_names(samples: int = 700, letters: int = 12) -> Data:
    """The end of the name of a character of Unicode: which of eight scripts."""
    scripts = ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "ETHIOPIC", "DEVANAGARI", "THAI")
    x, y = [], []
    for code in range(0x20000):
        script, _, rest = unicodedata.name(chr(code), "").partition(" ")
        if script in scripts and rest:
            end = rest[-letters:].rjust(letters)
            x.append([ord(each) - 64 if "A" <= each <= "Z" else 0 for each in end])
            y.append(scripts.index(script))
    chosen = np.random.default_rng(0).permutation(len(x))[: samples + 500]
    all_x, all_y = torch.tensor(x)[chosen], torch.tensor(y)[chosen]
    split = all_x[:samples], all_y[:samples], all_x[samples:], all_y[samples:]
    return Data(*split, vocabulary=27)


def patches(image: str, samples: int = 800, size: int = 6) -> Data:
    """Grey squares of a photograph, which are to be given back as they are."""
    pixels = datasets.load_sample_image(image).mean(2) / 255.0
    draws = np.random.default_rng(0)
    half = pixels.shape[1] // 2
    found = []
    # validated on the other half of the image
    for left, right, count in ((0, half, samples), (half, pixels.shape[1], 300)):
        rows = draws.integers(0, pixels.shape[0] - size, count)
        columns = draws.integers(left, right - size, count)
        places = zip(rows, columns, strict=True)
        found.append(np.stack([pixels[r : r + size, c : c + size].ravel() for r, c in places]))
    train, val = (torch.tensor((each - 0.45) / 0.25, dtype=torch.float32) for each in found)
    return Data(train, train, val, val, loss="squared")


def gapminder(window: int = 5) -> Data:
    """Life expectancy and income of 142 countries every five years: the life expectancy after a
    window of them; validated on other countries."""
    countries: dict[str, list[tuple[float, float]]] = {}
    for row in _plotly("gapminder"):
        life, income = float(row["lifeExp"]), np.log(float(row["gdpPercap"]))
        countries.setdefault(row["country"], []).append(((life - 60) / 12, (income - 8) / 1.2))
    series = np.array(list(countries.values()))
    series = series[np.random.default_rng(0).permutation(len(series))]
    parts = []
    for part in (series[:90], series[90:]):
        starts = range(part.shape[1] - window)
        x = np.concatenate([part[:, s : s + window].reshape(len(part), -1) for s in starts])
        y = np.concatenate([part[:, s + window, 0] - part[:, s + window - 1, 0] for s in starts])
        # what is learnt is the change, of which a few years decide
        parts += [torch.tensor(x).float(), torch.tensor(5 * y[:, None]).float()]
    return Data(*parts, loss="squared")


def income(window: int = 6) -> Data:
    """Income of 142 countries every five years: how it changes after a window of them; validated on
    other countries."""
    countries: dict[str, list[float]] = {}
    for row in _plotly("gapminder"):
        countries.setdefault(row["country"], []).append((np.log(float(row["gdpPercap"])) - 8) / 1.2)
    series = np.array(list(countries.values()))
    series = series[np.random.default_rng(1).permutation(len(series))]
    parts = []
    for part in (series[:90], series[90:]):
        windows = np.concatenate(
            list(np.lib.stride_tricks.sliding_window_view(part, window + 1, 1))
        )
        change = 5 * (windows[:, -1:] - windows[:, -2:-1])
        parts += [torch.tensor(windows[:, :-1]).float(), torch.tensor(change).float()]
    return Data(*parts, loss="squared")


def pluck(samples: int = 800, window: int = 12, block: int = 200) -> Data:
    """A plucked string, sampled: the value after a window; validated on every fourth piece of it,
    because the end of the tone is next to silence."""
    with wave.open(str(_LIBRARY / "test" / "audiodata" / "pluck-pcm16.wav")) as sound:
        channels = sound.getnchannels()
        tone = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")[::channels]
    tone = tone / tone.std()
    windows = np.lib.stride_tricks.sliding_window_view(tone, window + 1)
    place = np.arange(len(windows)) % (4 * block)
    # no window that is learnt from shares a value with one that is validated on
    learnt = windows[place < 3 * block - window]
    validated = windows[(place >= 3 * block) & (place < 4 * block - window)]
    chosen = np.random.default_rng(0).permutation(len(learnt))[:samples]
    every = max(1, len(validated) // 300)
    both = [torch.tensor(each).float() for each in (learnt[chosen], validated[::every])]
    return Data(both[0][:, :-1], both[0][:, -1:], both[1][:, :-1], both[1][:, -1:], loss="squared")


def tips(samples: int = 90) -> Data:
    """Bills of a restaurant: the tip; few and noisy, so that what is learnt fast is learnt by
    heart."""
    rows = _plotly("tips")
    x = [
        [
            float(row["total_bill"]),
            float(row["size"]),
            *(row[key] == word for key, word in _TIPPERS),
        ]
        for row in rows
    ]
    y = np.array([[float(row["tip"])] for row in rows])
    return _targets(_standard(np.array(x, float)), _standard(y), samples)


def _plotly(name: str) -> list[dict[str, str]]:
    """The rows of a data set of plotly."""
    path = Path(plotly.__file__).parent / "package_data" / "datasets" / f"{name}.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _standard(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(0)) / x.std(0)


def _classes(x: np.ndarray, y: np.ndarray, samples: int, metric: str = "loss") -> Data:
    order = np.random.default_rng(0).permutation(len(x))[: samples + 600]
    all_x, all_y = torch.tensor(x[order]).float(), torch.tensor(y[order]).long()
    split = all_x[:samples], all_y[:samples], all_x[samples:], all_y[samples:]
    return Data(*split, metric=metric)


def _targets(x: np.ndarray, y: np.ndarray, samples: int) -> Data:
    order = np.random.default_rng(0).permutation(len(x))
    all_x, all_y = torch.tensor(x[order]).float(), torch.tensor(y[order]).float()
    split = all_x[:samples], all_y[:samples], all_x[samples:], all_y[samples:]
    return Data(*split, loss="squared")

"""The command that installs what an extra brings.

This package is on no index, and whoever installed its wheel has no clone: the packages themselves
can be named in either case, as its metadata has them.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires

_NAME = "lightning-search"


def install_line(extra: str) -> str:
    """`pip install` of what an extra such as tensorboard needs."""
    try:
        listed = requires(_NAME) or []
    except PackageNotFoundError:
        # run from a clone that was never installed
        return f'pip install ".[{extra}]"'
    wanted = re.compile(rf"""^(.*?)\s*;\s*extra\s*==\s*['"]{extra}['"]$""")
    packages = [f'"{found[1]}"' for each in listed if (found := wanted.match(each))]
    return f"pip install {' '.join(packages)}"

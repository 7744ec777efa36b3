"""Which view fits where the output goes."""
from __future__ import annotations
from typing import Any
class P:
    def handle(self, e: Any) -> None: print(str(e)[:200])
    def tick(self) -> None: ...
    def close(self) -> None: ...
def make_view(*, quiet: bool, json: bool) -> Any: return P()

"""Studies from a script or a notebook; the same engine as the command line's."""

from search.api.result import Result
from search.api.study import Study

__all__ = ["Result", "Study"]

"""The queue of a study: points that a user fixed, each handed out once.

Those of the study file come first, then the lines of `queue.jsonl`, which `search enqueue` appends
to while the study is stopped or runs. A point is never removed: the trial that takes one notes its
place among its events, and a place that some trial has noted is taken.
"""

from __future__ import annotations

import fcntl
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from search.errors import StorageError
from search.layout import StudyFolder
from search.plain.whole_files import open_privately
from search.space.distributions import Params
from search.space.enqueued_points import point_of
from search.space.points import Points
from search.store.events.event_file import append_event, read_events
from search.store.placement import refuse_links

_ENQUEUED = "enqueued"


class Queue:
    """The queue of the study in `folder`.

    Args:
        first: the points of the study file.
    """

    def __init__(
        self, folder: StudyFolder, points: Points, first: Sequence[Mapping[str, object]] = ()
    ) -> None:
        self._folder = folder
        self._points = points
        self._first = first

    def next(self, taken: Collection[int]) -> tuple[int, Params] | None:
        """Place, counted from 1, and values of the first point that is not among `taken`.

        Raises:
            StorageError: the file of the queue is damaged, or has a point outside the space.
        """
        given = [*self._first, *enqueued(self._folder)]
        for place, point in enumerate(given, 1):
            if place not in taken:
                params, problem = point_of(self._points, point)
                if problem is not None:
                    raise StorageError(
                        f"{self._folder.queue}: point {place}: {problem} Remove its line."
                    )
                return place, params
        return None


def enqueue(folder: StudyFolder, params: Params) -> None:
    """Append a point to the queue; it is on the disk when this returns.

    Raises:
        StorageError: the folder holds a link, which this could write through.
    """
    refuse_links(folder)
    with open_privately(folder.queue, "a") as lock:
        # two commands at once must not mend each other's line
        fcntl.flock(lock, fcntl.LOCK_EX)
        append_event(folder.queue, _ENQUEUED, params=dict(params))


def enqueued(folder: StudyFolder) -> list[Mapping[str, Any]]:
    """The points that were appended, the oldest first.

    Raises:
        StorageError: the file is damaged.
    """
    events = read_events(folder.queue)
    points = [event.get("params") for event in events]
    for number, point in enumerate(points, 1):
        if not isinstance(point, dict):
            raise StorageError(
                f"{folder.queue}: line {number} has no point. Restore the file from a copy, or "
                "remove the line."
            )
    return [point for point in points if isinstance(point, dict)]

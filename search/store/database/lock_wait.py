"""Waiting for a database that another program has locked, for as long as it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy
from optuna.exceptions import StorageInternalError

_RETRY_S = 0.05
REFUSALS = (sqlalchemy.exc.SQLAlchemyError, StorageInternalError)

T = TypeVar("T")
BeforeRetry = Callable[[float], None]


def keep_trying(waited_s: float) -> None:
    """Nothing stands against another try."""


def retry_while_locked(operation: Callable[[], T], before_retry: BeforeRetry) -> T:
    """The result of a database operation, tried again while another program holds a lock.

    Args:
        before_retry: told the seconds waited so far before each new try; raises to give up.

    Raises:
        SQLAlchemyError, StorageInternalError: the database refuses for another reason.
    """
    began = time.monotonic()
    while True:
        try:
            return operation()
        except REFUSALS as error:
            if "database is locked" not in root_message(error):
                raise
        before_retry(time.monotonic() - began)
        time.sleep(_RETRY_S)


def root_message(error: Exception) -> str:
    """The database's own words, on one line; Optuna and SQLAlchemy wrap them."""
    cause: BaseException = error
    while cause.__cause__ is not None and not hasattr(cause, "orig"):
        cause = cause.__cause__
    text = str(getattr(cause, "orig", None) or cause).strip()
    return text.splitlines()[0].rstrip(".") if text else type(cause).__name__

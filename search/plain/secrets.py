"""Passwords in URLs and in their options, which no message and no record may repeat."""

from __future__ import annotations

import re

HIDDEN = "***"
_PASSWORD = re.compile(r"(\w://[^:/@\s]*):\S*@")
_OPTION = re.compile(r"([?&]\w*(?:pass|pw|secret|token|key)\w*=)[^&\s]+", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """The text with `***` for the passwords of the URLs in it, and for options that name one."""
    return _OPTION.sub(rf"\1{HIDDEN}", _PASSWORD.sub(rf"\1:{HIDDEN}@", text))

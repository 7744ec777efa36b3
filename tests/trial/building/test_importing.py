"""Which exception is the user's."""

from __future__ import annotations

from search.trial.building.importing import users_error


def raised(*, hides: bool) -> Exception:
    try:
        try:
            {}["depth"]
        except KeyError as error:
            if hides:
                raise ValueError("depth is required") from None
            raise ValueError("depth is required") from error
    except ValueError as error:
        return error


def test_error_behind_from_none_is_not_told() -> None:
    assert repr(users_error(raised(hides=True))[0]) == "ValueError('depth is required')"
    assert repr(users_error(raised(hides=False))[0]) == "KeyError('depth')"

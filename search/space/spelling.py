"""The full spelling of the paths that a user wrote, alone or in expressions."""

from __future__ import annotations

from collections.abc import Mapping

from search.plain.tree import ARGUMENT_KEYS, parts_of
from search.space.distributions import Categorical, Space
from search.space.expressions import Expression, parse_expression
from search.space.nested import in_class
from search.space.paths import full_path


class Spelling:
    """The full spelling of a path: `model.lr`, and in options `model.encoder[mlp].width`."""

    def __init__(self, space: Space, sections: Mapping[str, object]) -> None:
        self._space = space
        self._sections = sections
        # without the keys of classes two paths may be one, and then only the full one is meant
        self._bare: dict[str, list[str]] = {}
        for path in space:
            self._bare.setdefault(_bare(path), []).append(path)

    def __call__(self, path: str) -> str:
        full = full_path(path, self._sections)
        found = self._bare.get(_bare(path), [])
        if full not in self._space and len(found) == 1:
            return found[0]
        choice, bracket, rest = full.rpartition("]")
        is_inside = rest.startswith(".") and self._is_class(choice)
        return f"{choice}{bracket}.{in_class(rest[1:])}" if is_inside else full

    def expression(self, text: object) -> Expression:
        """Read an expression over these paths.

        Raises:
            ValueError: as `parse_expression`.
        """
        of_script = self._sections.get("script") is not None
        return parse_expression(text, self, of_script=of_script)

    def _is_class(self, option: str) -> bool:
        """Tell whether the option, `path[name` here, puts a class into the configuration."""
        path, _, name = option.rpartition("[")
        choice = self._space.get(path)
        if not isinstance(choice, Categorical) or name not in choice.values:
            return False
        written = choice.written(name)
        return isinstance(written, dict) and "class_path" in written


def _bare(path: str) -> str:
    return ".".join(part for part in parts_of(path) if part not in ARGUMENT_KEYS)

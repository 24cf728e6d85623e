"""Which member of which built-in family a data law is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Family:
    """A member of a built-in family, such as ``copies:3:2``; `samplers.families` has them all.

    Attributes:
        name: of the family, e.g. ``copies``.
        parameters: by the names that the family's text form gives them, in its order, e.g.
            ``{"d": 3, "S": 2}``.
    """

    name: str
    parameters: Mapping[str, int | float | str] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.name, *self.parameters.items()))

    def __str__(self) -> str:
        return ":".join([self.name, *map(str, self.parameters.values())])

    def number(self, name: str) -> int:
        """A parameter that is a whole number.

        Raises:
            KeyError: if the family has no such parameter.
        """
        return int(self.parameters[name])

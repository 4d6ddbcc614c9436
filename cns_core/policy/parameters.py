"""The parameters of a trained network, handed to its layers by name and checked on the way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


class Parameters:
    """The parameters under one name, as PyTorch's state dict names them.

    Args:
        state: arrays by full name.
        prefix: what the names of these begin with, its dot included.
        left: names that no layer has taken; None for all.
    """

    def __init__(
        self,
        state: Mapping[str, NDArray[np.float32]],
        prefix: str = "",
        left: set[str] | None = None,
    ) -> None:
        self._state = state
        self._prefix = prefix
        self._left = set(state) if left is None else left

    def under(self, name: str) -> Parameters:
        """Those of a module in this one."""
        return Parameters(self._state, f"{self._prefix}{name}.", self._left)

    def take(self, leaf: str, *shape: int) -> NDArray[np.float32]:
        """One parameter.

        Raises:
            ValueError: if it is missing, of another shape or not finite.
        """
        name = self._prefix + leaf
        found = self._state[name].shape if name in self._state else "missing"
        if found != shape:
            raise ValueError(f"{name} is {found}, expected {shape}")
        value = self._state[name].astype(np.float32)
        if not np.isfinite(value).all():
            raise ValueError(f"{name} holds values that are not finite")
        self._left.discard(name)
        return value

    def refuse_others(self) -> None:
        """End of the taking.

        Raises:
            ValueError: if there are parameters that no layer has taken.
        """
        if self._left:
            name = min(self._left)
            shape = self._state[name].shape
            raise ValueError(f"{name} {shape} is taken by no layer: is it of another network?")

"""What a network is before the number of its inputs is known."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from jaxtyping import PRNGKeyArray

from stde_core import Model, as_int, check_count, check_key


@dataclass(frozen=True)
class AbstractNetwork(ABC):
    """A blueprint: `network(num_inputs, key=key)` builds a model `[num_inputs] -> scalar`.

    Its fields become `-m name=value` of `stde solve`.
    """

    @abstractmethod
    def __call__(self, num_inputs: int, *, key: PRNGKeyArray) -> Model:
        """Builds the network. Raises `ValueError` for a number of inputs that does not suit it."""


def check_inputs(network: str, num_inputs: Any, key: Any) -> None:
    """Raises `ValueError` or `TypeError` for what no network can be built with."""
    check_count(f"{network}(…)(num_inputs)", as_int(num_inputs))
    check_key(f"{network}(…)(num_inputs, key=…)", key)

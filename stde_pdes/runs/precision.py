"""The precision of a run's numbers."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax


@contextmanager
def in_precision(name: str | None) -> Iterator[None]:
    """Points, derivatives and losses in double precision for float64, in single for the others.

    None leaves JAX as it is configured.
    """
    if name is None:
        yield
    else:
        with jax.enable_x64(name == "float64"):
            yield

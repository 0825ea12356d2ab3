"""What stde adds to pytest: the fixture `stde_plugin`.

A package of its own, since pytest imports it whenever it starts: nothing of stde, nor JAX, is imported
before a test asks for the fixture, so that it can still be measured or instrumented.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture
def stde_plugin() -> Iterator[Callable[..., None]]:
    """`stde_plugin(module_or_object, name="…")` registers a plugin of stde until the test ends.

    Raises `ValueError`, with the cause, where it fails to load; as `stde_core.testing.registered` does.
    """
    from stde_core.testing import registered

    with contextlib.ExitStack() as stack:

        def register(plugin: Any, name: str = "test-plugin") -> None:
            stack.enter_context(registered(plugin, name))

        yield register

"""Plugins for the time of one test."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._registry._discovery import in_memory
from ..plugins import registry


@contextmanager
def registered(plugin: Any, name: str = "test-plugin") -> Iterator[None]:
    """Registers a plugin, as if an entry point called `name` led to it, inside of the `with` block.

    `plugin` is a module, or any object whose attributes are functions marked `@stde.hookimpl`.
    `STDE_PLUGINS` does not matter. Raises `ValueError`, with the cause, where it fails to load.
    """
    with in_memory(plugin, name) as held:
        registry.cache_clear()
        try:
            with warnings.catch_warnings(action="ignore"):  # the failure of this plugin is raised below
                (found,) = (p for p in registry().plugins if p.entry_point is held)
            if found.error is not None:
                raise ValueError(f"Plugin {name!r} cannot be registered: {found.error}.")
            yield
        finally:
            registry.cache_clear()

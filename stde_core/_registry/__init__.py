"""How plugins are found, what they may say, and what comes with the core."""

from ._discovery import Plugin as Plugin
from ._discovery import how_to_switch_off as how_to_switch_off
from ._hookspecs import hookimpl as hookimpl
from ._hookspecs import hookspec as hookspec

"""`stde new-plugin NAME`: a package of a few short files to begin one's own from."""

from ._command import new_plugin as new_plugin

"""The command line: `stde`, which lists what is installed, and runs the commands that plugins add."""

from ._cli import CONTEXT as CONTEXT
from ._cli import cli as cli
from ._cli import main as main
from ._sentences import OneSentence as OneSentence
from ._sentences import printable as printable

"""Runs: what they are prepared from, their directories, checkpoints and results."""

from .._setup import Options as Options
from .._setup import Setup as Setup
from .._setup import prepare as prepare
from ._checkpoint import checkpoint_step as checkpoint_step
from ._directory import own_directory as own_directory
from ._environment import DECISIVE as DECISIVE
from ._environment import environment as environment
from ._execute import Run as Run
from ._load import Solution as Solution
from ._load import load as load
from ._load import load_setup as load_setup
from ._precision import in_precision as in_precision
from ._record import write_record as write_record
from ._start import remark as remark
from ._start import resumed_record as resumed_record
from ._stop import Stopped as Stopped
from ._stop import stoppable as stoppable

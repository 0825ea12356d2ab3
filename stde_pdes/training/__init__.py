"""Training a network to solve a problem."""

from .affine import MOST_FEATURES as MOST_FEATURES
from .affine import affine_relative_l2 as affine_relative_l2
from .affine import beats_affine as beats_affine
from .errors import Errors as Errors
from .errors import HeldOut as HeldOut
from .errors import Residuals as Residuals
from .errors import hold_out as hold_out
from .errors import measure as measure
from .errors import residuals as residuals
from .errors import values as values
from .loop import Trained as Trained
from .loop import check as check
from .loop import train as train
from .meter import EarlyStopping as EarlyStopping
from .meter import Progress as Progress
from .not_finite import NotFiniteError as NotFiniteError
from .objective import Objective as Objective
from .objective import loss as loss
from .sample import sources as sources
from .snapshot import Place as Place
from .snapshot import Snapshot as Snapshot
from .snapshot import split as split
from .snapshot import start_of as start_of

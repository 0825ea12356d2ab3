"""Training a network to solve a problem."""

from ._affine import MOST_FEATURES as MOST_FEATURES
from ._affine import affine_relative_l2 as affine_relative_l2
from ._affine import beats_affine as beats_affine
from ._errors import Errors as Errors
from ._errors import hold_out as hold_out
from ._errors import measure as measure
from ._errors import values as values
from ._loop import Trained as Trained
from ._loop import check as check
from ._loop import train as train
from ._meter import Progress as Progress
from ._not_finite import NotFiniteError as NotFiniteError
from ._objective import Objective as Objective
from ._objective import loss as loss
from ._sample import sources as sources
from ._snapshot import Place as Place
from ._snapshot import Snapshot as Snapshot
from ._snapshot import start_of as start_of

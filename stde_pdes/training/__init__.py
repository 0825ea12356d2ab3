"""Training a network to solve a problem."""

from ._errors import Errors as Errors
from ._errors import TestSet as TestSet
from ._errors import measure as measure
from ._loop import Progress as Progress
from ._loop import Trained as Trained
from ._loop import train as train
from ._settings import Training as Training

"""PDE problems with verified solutions, and the training that solves them."""

from ._causal import Causal as Causal
from ._held_out import HeldOut as HeldOut
from ._loggers import AbstractLogger as AbstractLogger
from ._loggers import Loggers as Loggers
from ._loggers import open_loggers as open_loggers
from ._problem import AbstractProblem as AbstractProblem
from ._problem import Condition as Condition
from ._registry import get_logger as get_logger
from ._registry import get_network as get_network
from ._registry import get_problem as get_problem
from ._resampling import Resampling as Resampling
from ._settings import Training as Training
from ._view import AbstractView as AbstractView
from .models import MLP as MLP
from .models import AbstractNetwork as AbstractNetwork
from .models import BlockShared as BlockShared
from .models import Fourier as Fourier
from .models import Residual as Residual
from .models import periodic as periodic
from .optimisers import LBFGS as LBFGS
from .optimisers import Adam as Adam
from .optimisers import GaussNewton as GaussNewton
from .training import hold_out as hold_out
from .training import train as train

"""PDE problems, one's own and a zoo with verified solutions, and the training that solves them."""

import warnings as _warnings

from ._loggers import AbstractLogger as AbstractLogger
from ._loggers import Loggers as Loggers
from ._loggers import open_loggers as open_loggers
from ._registry import get_logger as get_logger
from ._registry import get_network as get_network
from ._registry import get_problem as get_problem
from ._registry import get_stage as get_stage
from ._registry import get_weighting as get_weighting
from ._view import AbstractView as AbstractView
from .ansatz import Lifting as Lifting
from .ansatz import Vanishing as Vanishing
from .ansatz import scaled as scaled
from .conditions import AbstractCondition as AbstractCondition
from .conditions import Condition as Condition
from .conditions import Data as Data
from .designs import LatinHypercube as LatinHypercube
from .designs import Sobol as Sobol
from .diffusions import BrownianPaths as BrownianPaths
from .diffusions import Diffusion as Diffusion
from .diffusions import GeometricBrownianPaths as GeometricBrownianPaths
from .domains import AbstractDomain as AbstractDomain
from .domains import Ball as Ball
from .domains import Box as Box
from .domains import Faces as Faces
from .domains import GaussianSpace as GaussianSpace
from .domains import Interval as Interval
from .domains import Points as Points
from .domains import Product as Product
from .domains import RadialBall as RadialBall
from .domains import Shell as Shell
from .domains import Sphere as Sphere
from .domains import Spheres as Spheres
from .domains import as_domain as as_domain
from .networks import MLP as MLP
from .networks import AbstractNetwork as AbstractNetwork
from .networks import BlockShared as BlockShared
from .networks import Fourier as Fourier
from .networks import Frozen as Frozen
from .networks import ModifiedMLP as ModifiedMLP
from .networks import Residual as Residual
from .networks import Siren as Siren
from .networks import periodic as periodic
from .optimisers import LBFGS as LBFGS
from .optimisers import AbstractStage as AbstractStage
from .optimisers import Adam as Adam
from .optimisers import GaussNewton as GaussNewton
from .optimisers import Optax as Optax
from .optimisers import Optimistix as Optimistix
from .problem import Problem as Problem
from .resampling import Resampling as Resampling
from .runs.load import Solution as Solution
from .runs.load import load as load
from .runs.signals import Stopped as Stopped
from .runs.solve import Run as Run
from .runs.solve import solve as solve
from .settings import Training as Training
from .training import EarlyStopping as EarlyStopping
from .training import HeldOut as HeldOut
from .training import NotFiniteError as NotFiniteError
from .training import Progress as Progress
from .training import affine_relative_l2 as affine_relative_l2
from .training import hold_out as hold_out
from .training import train as train
from .weighting import AbstractWeighting as AbstractWeighting
from .weighting import Causal as Causal
from .weighting import GradientNorm as GradientNorm
from .weighting import SelfAdaptive as SelfAdaptive

# Names that have changed, for one release: all of them, here.
_RENAMED = {"AbstractProblem": "Problem"}


def __getattr__(name: str):
    if name not in _RENAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    new = _RENAMED[name]
    _warnings.warn(f"`stde_pdes.{name}` is called `stde_pdes.{new}` now.", DeprecationWarning, stacklevel=2)
    return globals()[new]

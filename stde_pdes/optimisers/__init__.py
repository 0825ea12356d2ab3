"""Optimisers of a sum of squared residuals. They know nothing of equations."""

from ._gauss_newton import GaussNewton as GaussNewton
from ._gradient import Adam as Adam
from ._gradient import Optax as Optax
from ._lbfgs import LBFGS as LBFGS
from ._optimistix import Optimistix as Optimistix
from ._stage import AbstractObjective as AbstractObjective
from ._stage import AbstractStage as AbstractStage

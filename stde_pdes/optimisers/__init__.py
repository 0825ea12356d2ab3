"""Optimisers of a sum of squared residuals. They know nothing of equations."""

from ._adam import Adam as Adam
from ._gauss_newton import GaussNewton as GaussNewton
from ._lbfgs import LBFGS as LBFGS
from ._stage import AbstractObjective as AbstractObjective
from ._stage import AbstractStage as AbstractStage

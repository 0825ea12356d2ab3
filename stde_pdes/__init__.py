"""PDE problems with verified solutions, and the training that solves them."""

from ._problem import AbstractProblem as AbstractProblem
from ._problem import Condition as Condition
from ._registry import get_problem as get_problem
from .models import MLP as MLP
from .training import TestSet as TestSet
from .training import Training as Training
from .training import train as train

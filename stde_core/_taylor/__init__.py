"""Contractions of a model's derivative tensors: Taylor mode, and nested first-order AD."""

from . import _calls, _control, _fallback, _linear, _products, _solves  # noqa: F401  (they register their rules)
from ._expansion import expand_model as expand_model
from ._expansion import factorial as factorial
from ._expansion import read as read
from ._expansion import taylor as taylor
from ._nested import forward as forward
from ._nested import gradient as gradient
from ._nested import hessian_vector as hessian_vector
from ._nested import nested as nested
from ._nested import reverse as reverse
from ._polynomial import primal as primal
from ._registration import taylor_rule as taylor_rule
from ._traced import TracedModel as TracedModel
from ._traced import traced as traced
from ._truncation import CollapsedSum as CollapsedSum
from ._truncation import Expansion as Expansion
from ._truncation import LinearFunctional as LinearFunctional
from ._truncation import MultiIndex as MultiIndex
from ._truncation import Powers as Powers
from ._truncation import Truncation as Truncation
from ._truncation import divisors as divisors
from ._varying import vary as vary
from ._varying import varying_axes as varying_axes

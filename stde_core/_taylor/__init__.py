"""Contractions of a model's derivative tensors: Taylor mode, and nested first-order AD."""

from . import _calls, _control, _linear, _linearized, _products, _solves  # noqa: F401  (they register their rules)
from ._expansion import expand_model as expand_model
from ._expansion import factorial as factorial
from ._expansion import read as read
from ._expansion import taylor as taylor
from ._layout import Channel as Channel
from ._layout import Layout as Layout
from ._layout import Monomial as Monomial
from ._layout import Readout as Readout
from ._layout import Top as Top
from ._layout import divisors as divisors
from ._nested import forward as forward
from ._nested import gradient as gradient
from ._nested import hessian_vector as hessian_vector
from ._nested import nested as nested
from ._nested import reverse as reverse
from ._polynomial import primal as primal
from ._registration import taylor_rule as taylor_rule
from ._site import Site as Site
from ._survey import slope as slope
from ._survey import survey as survey
from ._varying import vary as vary
from ._varying import varying_axes as varying_axes

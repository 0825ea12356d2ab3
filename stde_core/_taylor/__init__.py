"""Contractions of a model's derivative tensors: Taylor mode, and nested first-order AD."""

from ._jet import taylor as taylor
from ._nested import forward as forward
from ._nested import gradient as gradient
from ._nested import hessian_vector as hessian_vector
from ._nested import nested as nested
from ._nested import reverse as reverse

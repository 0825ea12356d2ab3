"""Samplers draw the directions: the interface, and the samplers of the core."""

from ._all_terms import AllTerms as AllTerms
from ._base import AbstractTangentSampler as AbstractTangentSampler
from ._base import check_sampler as check_sampler
from ._dense import AbstractDenseSampler as AbstractDenseSampler
from ._dense import Gaussian as Gaussian
from ._dense import Rademacher as Rademacher
from ._dense import Sphere as Sphere
from ._sparse import Sparse as Sparse

"""Operators: the interface, its algebra, and the operators of the core."""

from ._base import AbstractOperator as AbstractOperator
from ._base import Identity as Identity
from ._base import is_operator as is_operator
from ._biharmonic import Biharmonic as Biharmonic
from ._component import component as component
from ._component import picked as picked
from ._component import without_components as without_components
from ._directional import Directional as Directional
from ._divergence import Divergence as Divergence
from ._gradient import Gradient as Gradient
from ._gradient import without_gradients as without_gradients
from ._laplacian import Laplacian as Laplacian
from ._laplacian import WeightedLaplacian as WeightedLaplacian
from ._partial import Partial as Partial
from ._partial import partial as partial
from ._partial import partials as partials
from ._power_sum import PowerSum as PowerSum

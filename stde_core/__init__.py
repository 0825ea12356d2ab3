"""stde: stochastic Taylor derivative estimators for differential operators of neural networks."""

import warnings as _warnings

from ._estimate import Estimated as Estimated
from ._estimate import EstimatePlan as EstimatePlan
from ._estimate import estimate as estimate
from ._estimate import explain as explain
from ._inspect import ModelReport as ModelReport
from ._inspect import PrimitiveUse as PrimitiveUse
from ._inspect import check_model as check_model
from ._operators import AbstractOperator as AbstractOperator
from ._operators import Biharmonic as Biharmonic
from ._operators import Directional as Directional
from ._operators import Divergence as Divergence
from ._operators import Gradient as Gradient
from ._operators import Identity as Identity
from ._operators import Laplacian as Laplacian
from ._operators import Partial as Partial
from ._operators import PowerSum as PowerSum
from ._operators import WeightedLaplacian as WeightedLaplacian
from ._operators import component as component
from ._operators import partial as partial
from ._operators import partials as partials
from ._plan import AbstractEstimator as AbstractEstimator
from ._plan import AbstractPlan as AbstractPlan
from ._plan import Estimate as Estimate
from ._plan import SamplingPlan as SamplingPlan
from ._plan import Unsupported as Unsupported
from ._registry import hookimpl as hookimpl
from ._registry import hookspec as hookspec
from ._samplers import AbstractDenseSampler as AbstractDenseSampler
from ._samplers import AbstractTangentSampler as AbstractTangentSampler
from ._samplers import AllTerms as AllTerms
from ._samplers import Gaussian as Gaussian
from ._samplers import Rademacher as Rademacher
from ._samplers import Sparse as Sparse
from ._samplers import Sphere as Sphere
from ._samplers import check_sampler as check_sampler
from ._taylor import TracedModel as TracedModel
from ._taylor import taylor_rule as taylor_rule
from ._terms import AbstractFamily as AbstractFamily
from ._terms import Coefficient as Coefficient
from ._terms import Dense as Dense
from ._terms import Draw as Draw
from ._terms import IsotropicRepresentation as IsotropicRepresentation
from ._terms import OneHot as OneHot
from ._terms import PowerFamily as PowerFamily
from ._terms import Tangents as Tangents
from ._types import Model as Model
from ._types import Point as Point
from .checks import as_int as as_int
from .checks import check_choice as check_choice
from .checks import check_count as check_count
from .checks import check_flag as check_flag
from .checks import check_key as check_key
from .plugins import get_estimator as get_estimator
from .plugins import get_operator as get_operator
from .plugins import get_sampler as get_sampler

# Names that have changed, for one release: all of them, here.
_RENAMED = {"DenseLaw": "IsotropicRepresentation", "Explanation": "EstimatePlan", "Whole": "AllTerms"}


def __getattr__(name: str):
    if name not in _RENAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    new = _RENAMED[name]
    _warnings.warn(f"`stde.{name}` is called `stde.{new}` now.", DeprecationWarning, stacklevel=2)
    return globals()[new]

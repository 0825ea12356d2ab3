"""How operators are estimated: estimators make plans, and plans run."""

from ._base import AbstractEstimator as AbstractEstimator
from ._base import AbstractPlan as AbstractPlan
from ._base import Estimate as Estimate
from ._base import Unsupported as Unsupported
from ._describe import count as count
from ._sampling import Contraction as Contraction
from ._sampling import SamplingPlan as SamplingPlan

"""The contractions that estimators are built from.

Each is called as `contract(model, x, directions, monomials)` and returns, for n samples of m
directions and each monomial `p = (p_1, …, p_m)`, the values `D^|p| u(x)[v_1^p_1, …, v_m^p_m]` as
`[n, *out]`. Hand one to `SamplingPlan.estimate`.
"""

from ._plan import Contraction as Contraction
from ._taylor import forward as forward
from ._taylor import hessian_vector as hessian_vector
from ._taylor import nested as nested
from ._taylor import reverse as reverse
from ._taylor import taylor as taylor

"""Reference solutions, converged or exact, for problems without a closed form."""

from ._branching import BranchingSolution as BranchingSolution
from ._branching import branching_solution as branching_solution
from ._maximum import mean_at_maximum as mean_at_maximum
from ._quadrature import lqg_value as lqg_value
from ._quadrature import lqg_values as lqg_values
from ._radial import radial_solution as radial_solution
from ._spectral import spectral_solution as spectral_solution

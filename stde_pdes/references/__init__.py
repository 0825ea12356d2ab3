"""Reference solutions, converged or exact, for problems without a closed form."""

from ._quadrature import lqg_value as lqg_value
from ._quadrature import lqg_values as lqg_values
from ._radial import radial_solution as radial_solution
from ._spectral import spectral_solution as spectral_solution

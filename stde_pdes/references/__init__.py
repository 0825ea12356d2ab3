"""Reference solutions, converged or exact, for problems without a closed form."""

from ._radial import radial_solution as radial_solution
from ._spectral import spectral_solution as spectral_solution

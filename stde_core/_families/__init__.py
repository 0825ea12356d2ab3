"""The families of terms that operators are made of: the normal form in which estimators see them."""

from ._biharmonic import BiharmonicFamily as BiharmonicFamily
from ._divergence import DivergenceFamily as DivergenceFamily
from ._family import AbstractFamily as AbstractFamily
from ._family import AxisPowers as AxisPowers
from ._family import IsotropicRepresentation as IsotropicRepresentation
from ._family import add as add
from ._family import expanded as expanded
from ._family import factors as factors
from ._family import kind as kind
from ._family import listed as listed
from ._family import partials as partials
from ._family import partials_of as partials_of
from ._family import sum_of_coefficients as sum_of_coefficients
from ._identity import IdentityFamily as IdentityFamily
from ._linear import LinearFamily as LinearFamily
from ._merge import merge as merge
from ._merge import multiply as multiply
from ._mixed import MixedFamily as MixedFamily
from ._power import PowerFamily as PowerFamily
from ._product import ProductFamily as ProductFamily

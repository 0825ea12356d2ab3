"""The families of terms that operators are made of: the normal form in which estimators see them."""

from ._biharmonic import BiharmonicFamily as BiharmonicFamily
from ._divergence import DivergenceFamily as DivergenceFamily
from ._family import AbstractFamily as AbstractFamily
from ._family import DenseLaw as DenseLaw
from ._identity import IdentityFamily as IdentityFamily
from ._linear import LinearFamily as LinearFamily
from ._merge import merge as merge
from ._merge import multiply as multiply
from ._mixed import MixedFamily as MixedFamily
from ._partials import Partial as Partial
from ._partials import factors_of as factors_of
from ._partials import partials_of as partials_of
from ._power import PowerFamily as PowerFamily
from ._product import ProductFamily as ProductFamily

"""Families of terms, the normal form of operators, for packages that add families.

A family is a class with the members of `AbstractFamily`. More operations are registered for its class:

- `kind` and `add`: families of one kind add up to one, as `c ∂_x² + ∂_y²` is one family of two terms;
- `expanded`: products with few terms are multiplied out;
- `partials`: the terms of small families share the divisors of their partial derivatives in one pass;
- `factors`: the family may be evaluated as one operator of another one's value, if that is cheaper.

    @terms.kind.register(MyFamily)
    def _(family):
        return MyFamily, family.powers

The default of all but `add` is None, which leaves the family as it is. `sum_of_coefficients` helps to write
`add`; `docs/how-to/operator.md` has an example.
"""

from ._terms import AbstractFamily as AbstractFamily
from ._terms import AxisPowers as AxisPowers
from ._terms import Coefficient as Coefficient
from ._terms import IsotropicRepresentation as IsotropicRepresentation
from ._terms import MixedFamily as MixedFamily
from ._terms import PowerFamily as PowerFamily
from ._terms import ProductFamily as ProductFamily
from ._terms import add as add
from ._terms import expanded as expanded
from ._terms import factors as factors
from ._terms import kind as kind
from ._terms import listed as listed
from ._terms import partials as partials
from ._terms import sum_of_coefficients as sum_of_coefficients
from ._terms import weigh as weigh

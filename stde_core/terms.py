"""Kinds of terms: what operators are made of, open to those of others.

A family is a class with the members of `AbstractFamily`. What it may do besides is registered for its class:

- `kind` and `add`: families of one kind are added up to one, as `c ∂_x² + ∂_y²` is one family of two terms;
- `expanded`: its terms are multiplied out in products with few others;
- `partials`: where it has few terms, partial derivatives in one call share their divisors;
- `factors`: where that is cheaper, it is evaluated as one operator of another's value.

    @terms.kind.register(MyFamily)
    def _(family):
        return MyFamily, family.powers

All but `add` have a default, None, with which a family stands by itself. `sum_of_coefficients` serves in
`add`, and `docs/how-to/operator.md` has an example.
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

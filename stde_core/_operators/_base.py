from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax

from .._terms import AbstractFamily, identity, merge, multiply
from .._terms._coefficient import CoefficientFunction, as_coefficient, inverse


class AbstractOperator(eqx.Module):
    """A linear differential operator `L = Σ_α c_α(x) ∂^α`.

    Operators form an algebra: `+`, `-`, products (composition), integer powers, and coefficients
    from the left, which are numbers, arrays or functions of x. A number added to an operator is
    that multiple of the identity. JAX arrays and modules in coefficients are trainable; Python
    numbers and NumPy arrays are constants.
    """

    __array_ufunc__ = None  # NumPy arrays leave `array * operator` to `__rmul__`

    @abstractmethod
    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        """The terms in `dim` dimensions, grouped by their powers.

        Raises `ValueError` if the operator has no meaning in `dim` dimensions.
        """

    def __add__(self, other: Any) -> "AbstractOperator":
        return _add(self, other)

    def __radd__(self, other: Any) -> "AbstractOperator":
        return _add(other, self)

    def __sub__(self, other: Any) -> "AbstractOperator":
        return self + (-_as_operator(other))

    def __rsub__(self, other: Any) -> "AbstractOperator":
        return other + (-self)

    def __neg__(self) -> "AbstractOperator":
        return Scaled(-1, self)

    def __pos__(self) -> "AbstractOperator":
        return self

    def __mul__(self, other: Any) -> "AbstractOperator":
        if isinstance(other, AbstractOperator):
            return Product(self, other)
        if callable(other) and not isinstance(other, type):
            raise TypeError(
                "A coefficient that is a function of x multiplies from the left: write `f * operator`."
            )
        return Scaled(as_coefficient(other), self)

    def __rmul__(self, other: Any) -> "AbstractOperator":
        return Scaled(as_coefficient(other), self)

    def __truediv__(self, other: Any) -> "AbstractOperator":
        if isinstance(other, AbstractOperator) or callable(other):
            raise TypeError("An operator is divided by a number or an array only.")
        return Scaled(inverse(as_coefficient(other)), self)

    def __pow__(self, exponent: int) -> "AbstractOperator":
        if isinstance(exponent, bool) or not isinstance(exponent, int) or exponent < 0:
            raise ValueError(f"`operator ** k` needs an integer k ≥ 0, got {exponent!r}.")
        power: AbstractOperator = Identity() if exponent == 0 else self
        for _ in range(exponent - 1):
            power = Product(power, self)
        return power


class Identity(AbstractOperator):
    """The operator of order 0: u itself."""

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        del dim
        return (identity(),)


class Sum(AbstractOperator):
    """`L_1 + L_2 + …`, the result of `+`."""

    operators: tuple[AbstractOperator, ...]

    def __init__(self, operators: tuple[AbstractOperator, ...]):
        # Equinox flattens the arguments of a generated `__init__`, which would make a long sum, built
        # term by term, cost the square of its length.
        self.operators = operators

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        return merge(family for operator in self.operators for family in operator.families(dim))


class Scaled(AbstractOperator):
    """`c L`, the result of `*` with a number, an array or a function of x."""

    coefficient: Any
    operator: AbstractOperator

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        return tuple(family.scaled(self.coefficient) for family in self.operator.families(dim))


class Product(AbstractOperator):
    """`L_1 L_2`, the result of `*`: `L_2` acts first.

    Raises `ValueError` if `L_2` has a function of x as coefficient.
    """

    left: AbstractOperator
    right: AbstractOperator

    def __check_init__(self):
        leaves = jax.tree.leaves(self.right, is_leaf=lambda leaf: isinstance(leaf, CoefficientFunction))
        if any(isinstance(leaf, CoefficientFunction) for leaf in leaves):
            raise ValueError(
                "A product whose right factor has a function of x as coefficient is not a polynomial "
                "in partials; write the function leftmost, or compose by `stde.Estimated`."
            )

    def families(self, dim: int) -> tuple[AbstractFamily, ...]:
        return merge(
            family
            for left in self.left.families(dim)
            for right in self.right.families(dim)
            for family in multiply(left, right)
        )


def _add(left: Any, right: Any) -> Any:
    """A flat sum. The Python number 0 adds nothing: `sum(operators)` starts with it."""
    summands: list[AbstractOperator] = []
    for term in (left, right):
        if isinstance(term, AbstractOperator):
            summands += term.operators if isinstance(term, Sum) else (term,)
        elif not (isinstance(term, (int, float)) and term == 0):
            summands.append(_as_operator(term))
    return summands[0] if len(summands) == 1 else Sum(tuple(summands))


def _as_operator(term: Any) -> "AbstractOperator":
    """An operator unchanged; a number, an array or a function of x times the identity."""
    return term if isinstance(term, AbstractOperator) else Scaled(as_coefficient(term), Identity())


def is_operator(node: Any) -> bool:
    """Whether a node is an operator: `is_leaf` for PyTrees of them."""
    return isinstance(node, AbstractOperator)

from abc import abstractmethod
from collections.abc import Hashable
from typing import Any

import equinox as eqx

from .._tangents import Draw, Tangents
from .._types import Point


class DenseLaw(eqx.Module):
    """What a family asks of isotropic noise, so that a few dense tangents stand for all its terms.

    `vectors` independent vectors of `size` entries with `E[vvᵀ] = I`; with `moment=4` also
    `E[v_i v_j v_k v_l] = c (δ_ij δ_kl + δ_ik δ_jl + δ_il δ_jk)`, where the sampler states c.
    Families with equal `space` may share their noise.
    """

    space: Hashable = eqx.field(static=True)
    size: int = eqx.field(static=True)
    vectors: int = eqx.field(static=True, default=1)
    moment: int = eqx.field(static=True, default=2)


class AbstractFamily(eqx.Module):
    """Terms `c_j(x) D^|p| u(x)[v_j1^p_1, …, v_jm^p_m]` of an operator that share one tuple of powers.

    - `powers`: p, the power of each of the m directions.
    - `size`: the number of terms.
    - `index_set`: what a term's index means; families with equal index sets may share a draw.
    - `law`: how dense tangents stand for the whole family; None where they cannot.
    - `output_size`: the length of the output that the family's covector needs; None without one.
    - `varies`: whether a coefficient is a function of x.
    """

    powers: eqx.AbstractVar[tuple[int, ...]]
    size: eqx.AbstractVar[int]
    index_set: eqx.AbstractVar[Hashable]
    law: eqx.AbstractVar[DenseLaw | None]
    output_size: eqx.AbstractVar[int | None]
    varies: eqx.AbstractVar[bool]

    @abstractmethod
    def tangents(self, draw: Draw, x: Point) -> Tangents:
        """The tangents of a draw, of indices or of noise, with the coefficients at `x`.

        Their weighted contractions sum to the family (a whole draw) or do so in the mean.
        """

    @abstractmethod
    def scaled(self, factor: Any) -> "AbstractFamily":
        """The family times a number, an array or a function of x."""

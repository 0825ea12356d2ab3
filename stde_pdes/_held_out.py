import equinox as eqx
import numpy as np
from jaxtyping import Array, Float


class HeldOut(eqx.Module):
    """Points that training never sees, with the solution there.

    `trivial` are the values of the better, in the L2 norm, of two models that know nothing: the
    best constant, and the best constant network inside the problem's ansatz. `origin` is a point
    that is judged by itself, where the problem has one. `notes` say where the points are not those
    that were asked for.
    """

    points: Float[Array, "n inputs"]
    truth: Float[np.ndarray, " n"]
    trivial: Float[np.ndarray, " n"]
    origin: Float[Array, " inputs"] | None = None
    truth_origin: float | None = None
    notes: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def trivial_relative_l2(self) -> float:
        """The relative L2 error of the trivial solution."""
        return float(np.linalg.norm(self.trivial - self.truth) / np.linalg.norm(self.truth))

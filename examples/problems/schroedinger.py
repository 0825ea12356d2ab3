"""The nonlinear Schrödinger equation i q_t + q_xx/2 + |q|² q = 0, and a soliton that runs through.

The outputs are the parts of q = u + iv. The soliton q = sech(x − ct) exp(i(cx + (1 − c²)t/2)) gives the
initial and the boundary values.
"""

import jax.numpy as jnp

import stde_core as stde
import stde_pdes as pdes

SPEED = 0.8
domain = pdes.Interval(-5, 5) * pdes.Interval(0, 2)
box = pdes.Box(domain.bounds)


def soliton(point):
    x, t = point
    phase = SPEED * x + (1 - SPEED**2) * t / 2
    return jnp.stack([jnp.cos(phase), jnp.sin(phase)]) / jnp.cosh(x - SPEED * t)


def equation(x, q, values):
    """The imaginary and the real part of i q_t + q_xx/2 + |q|² q."""
    u, v = q
    (u_t, v_t), (u_xx, v_xx) = values["t"], values["xx"]
    size = u**2 + v**2
    return jnp.stack([u_t + v_xx / 2 + size * v, -v_t + u_xx / 2 + size * u])


def as_the_soliton(x, q, _):
    return q - soliton(x)


problem = pdes.Problem(
    conditions=[
        pdes.Condition("equation", box, {"t": stde.partial(1), "xx": stde.partial(0) ** 2}, equation),
        pdes.Condition("start", box.boundary(1, -1), None, as_the_soliton, weight=10.0, batch=100),
        pdes.Condition("ends", box.boundary(0), None, as_the_soliton, weight=10.0, batch=50),
    ],
    inputs=("x", "t"),
    outputs=("u", "v"),
    time="t",
    solution=soliton,
)

if __name__ == "__main__":
    run = pdes.solve(problem, out="runs/schroedinger", resume=True)
    print(f"relative L2 error {run.result['relative_l2']:.1e}")

"""What ansätze are made of: liftings of data on faces, and factors that vanish there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import at_each, drawn

import stde_core as stde
from stde_pdes import MLP, Box, Lifting, Vanishing, scaled

BOUNDS = ((-1.0, 3.0), (0.0, 2.0), (0.0, 1.0))
ORDERS = ((2, 2), (1, 1), (1, 0))
BOX = Box(BOUNDS)


def test_lifting_of_a_polynomial_is_the_polynomial():
    # Cubic in x, linear in y, constant in t: what Hermite's and Coons' interpolation reproduce.
    def data(point):
        x, y, _ = point
        return (1 + x - 2 * x**3) * (3 - y)

    points = drawn(BOX, 10)
    np.testing.assert_allclose(at_each(Lifting(data, BOX, ORDERS), points), at_each(data, points), rtol=1e-10)


def test_a_lifting_of_several_outputs_is_that_of_each():
    def data(point):
        x, y, t = point
        return jnp.stack([jnp.sin(x + t) * y, jnp.exp(x - y), t * jnp.cos(x * y)])

    points = drawn(BOX, 10)
    found = at_each(Lifting(data, BOUNDS, ORDERS), points)
    assert found.shape == (10, 3)
    for i in range(3):
        alone = Lifting(lambda x, i=i: data(x)[i], BOUNDS, ORDERS)
        np.testing.assert_allclose(found[:, i], at_each(alone, points), rtol=1e-10)


def test_an_axis_without_data_is_left_alone():
    bounds = [(0, 3), (0, 2)]
    lifting = Lifting(lambda p: jnp.sin(p[0]) * (1 + p[1]), bounds, [(0, 0), (1, 1)])
    points = np.asarray(drawn(Box(bounds), 10))
    expected = np.sin(points[:, 0]) * (1 + points[:, 1])
    np.testing.assert_allclose(at_each(lifting, points), expected, rtol=1e-12)


def test_scaled_points_go_from_one_end_to_the_other():
    points = jnp.asarray([[-1.0, 0.0, 0.0], [1.0, 1.0, 0.5], [3.0, 2.0, 1.0]])
    expected = np.tile([[-1.0], [0.0], [1.0]], 3)
    np.testing.assert_allclose(at_each(lambda x: scaled(x, BOX), points), expected, atol=1e-15)


def test_what_vanishes_has_the_orders_asked_for():
    points = np.asarray(drawn(BOX, 20))
    x, y, t = ((2 * points - np.sum(BOUNDS, axis=1)) / np.ptp(BOUNDS, axis=1)).T
    expected = (1 + x) ** 2 * (1 - x) ** 2 * (1 + y) * (1 - y) * (1 + t)
    np.testing.assert_allclose(at_each(Vanishing(BOX, ORDERS), points), expected, rtol=1e-12)
    everywhere = (1 - x**2) * (1 - y**2) * (1 - t**2)
    np.testing.assert_allclose(at_each(Vanishing(BOUNDS), points), everywhere, rtol=1e-10)


def test_with_what_vanishes_a_lifting_keeps_its_data_beside_any_network():
    def data(point):
        x, y, t = point
        return jnp.sin(x + t) * jnp.exp(-y)

    network = MLP(8, 1)(3, key=jax.random.key(0))
    lifting, vanishing = Lifting(data, BOX, ORDERS), Vanishing(BOX, ORDERS)

    def model(point):
        return lifting(point) + vanishing(point) * network(scaled(point, BOX))

    for faces in (BOX.boundary(axes=(0, 1)), BOX.boundary(axes=-1, sides=-1)):
        points = drawn(faces, 20)
        np.testing.assert_allclose(at_each(model, points), at_each(data, points), atol=1e-12)
    points = drawn(BOX.boundary(axes=0), 20)
    slopes = (at_each(lambda x, f=f: jax.grad(f)(x)[0], points) for f in (model, data))
    np.testing.assert_allclose(*slopes, atol=1e-11)
    report = stde.check_model(model, 3)
    assert report.smooth and len(report.having("rule")) == len(report.uses), report


BAD = {
    "box": (lambda: Vanishing(3), "`Vanishing(box)` needs a pair (low, high) of finite numbers"),
    "axes": (lambda: Vanishing(BOX, [(1, 1)]), "for each of 3 axes, not all of them 0, got [(1, 1)]."),
    "negative": (
        lambda: Lifting(jnp.sum, BOX, [(1, -1)] * 3),
        "`Lifting(orders)` needs a pair (below, above) of integers ≥ 0 for each of 3 axes",
    ),
    "nothing": (lambda: Lifting(jnp.sum, BOX, [(0, 0)] * 3), "not all of them 0, got [(0, 0), (0, 0), (0"),
    "number": (lambda: Lifting(jnp.sum, BOX, 1), "not all of them 0, got 1."),
}


@pytest.mark.parametrize(("build", "message"), BAD.values(), ids=BAD)
def test_orders_and_boxes_that_cannot_be_are_refused(build, message, unchecked):
    with pytest.raises(ValueError) as error:
        build()
    assert message in str(error.value)

"""What stde is compared with: published methods as published, and what one would write by hand."""

from typing import NamedTuple


class Setting(NamedTuple):
    """How a training step is made.

    - `batch`: points; `num_samples`: sampled dimensions, of each point or `shared_tangents`.
    - `learning_rate`: Adam's. `seed`: of network, points and tangents.
    """

    batch: int
    num_samples: int
    shared_tangents: bool = False
    learning_rate: float = 1e-3
    seed: int = 0

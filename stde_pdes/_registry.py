from typing import Any

from stde_core.plugins import build

from ._loggers import AbstractLogger
from .networks import AbstractNetwork
from .optimisers import AbstractStage
from .problem import Problem
from .weighting import AbstractWeighting


def get_problem(name: str, /, **fields: Any) -> Problem:
    """A problem by its registered name: `get_problem("allen-cahn-two-body", dim=100)`.

    Raises `ValueError` for unknown names, and for fields that the problem refuses.
    """
    return build("problems", name, fields)


def get_network(name: str, /, **fields: Any) -> AbstractNetwork:
    """A network's blueprint by its registered name: `get_network("block-shared", block_size=50)`.

    Raises `ValueError` for unknown names, and for fields that the network refuses.
    """
    return build("networks", name, fields)


def get_logger(name: str, /, **fields: Any) -> AbstractLogger:
    """A logger by its registered name: `get_logger("tensorboard")`.

    Raises `ValueError` for unknown names, and `ImportError` where the package that it needs is absent.
    """
    return build("loggers", name, fields)


def get_stage(name: str, /, **fields: Any) -> AbstractStage:
    """A stage of a training by its registered name: `get_stage("gauss-newton", steps=100)`.

    Raises `ValueError` for unknown names, and for fields that the stage refuses.
    """
    return build("stages", name, fields)


def get_weighting(name: str, /, **fields: Any) -> AbstractWeighting:
    """A weighting of a loss by its registered name: `get_weighting("causal", strength=2.0)`.

    Raises `ValueError` for unknown names, and for fields that the weighting refuses.
    """
    return build("weightings", name, fields)

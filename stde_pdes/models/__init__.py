"""Networks, as blueprints that are built when the number of inputs is known, and features for them."""

from ._block_shared import BlockShared as BlockShared
from ._fourier import Fourier as Fourier
from ._frozen import Frozen as Frozen
from ._frozen import split_trained as split_trained
from ._mlp import MLP as MLP
from ._network import AbstractNetwork as AbstractNetwork
from ._periodic import periodic as periodic
from ._residual import Residual as Residual

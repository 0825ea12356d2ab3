"""What a model's trace says about its derivatives: `stde.check_model`."""

from ._check_model import check_model as check_model
from ._report import ModelReport as ModelReport
from ._report import PrimitiveUse as PrimitiveUse

"""How fast is it, beside what else there is: `stde bench`, and its functions."""

from ._operators import operators as operators
from ._outcome import Outcome as Outcome
from ._report import Report as Report
from ._report import Row as Row
from ._step import step as step

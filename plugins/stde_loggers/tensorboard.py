"""TensorBoard, by the tensorboardX package: `pip install "stde[tensorboard]"`."""

import importlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import stde_core as stde
import stde_pdes

# A run that is killed loses no more than what was measured in so many seconds.
_FLUSH_SECONDS = 5


class TensorBoard(stde_pdes.AbstractLogger):
    """Event files for TensorBoard in the run's directory: `tensorboard --logdir runs`."""

    def __init__(self) -> None:
        try:
            self.tensorboard: Any = importlib.import_module("tensorboardX")
        except ImportError as error:
            raise ImportError(
                'Logger `tensorboard` needs stde[tensorboard]: `pip install "stde[tensorboard]"`.'
            ) from error
        self.writer: Any = None
        self.step = -1

    def start(self, directory: Path, run: Mapping[str, Any]) -> None:
        self.directory, self.run = directory, run

    def record(self, metrics: Mapping[str, Any]) -> None:
        step = metrics["step"]
        if self.writer is None or step <= self.step:
            self.writer = self._writer_from(step)
        for name, value in metrics.items():
            if name != "step" and isinstance(value, (int, float)):
                self.writer.add_scalar(name, value, step)
        self.step = step

    def finish(self, result: Mapping[str, Any] | None) -> None:
        if self.writer is not None:
            if result is not None:
                self.writer.add_text("result", _as_code(result), self.step)
            self.writer.close()

    def _writer_from(self, step: int) -> Any:
        """A writer to a new file; TensorBoard then ignores this step and later ones in the older files."""
        if self.writer is not None:
            self.writer.close()
        writer = self.tensorboard.SummaryWriter(
            str(self.directory),
            purge_step=step,
            flush_secs=_FLUSH_SECONDS,
            filename_suffix=f".{time.time_ns()}",  # two files of one second have different names
        )
        writer.add_text("run", _as_code(self.run), step)
        return writer


def _as_code(record: Mapping[str, Any]) -> str:
    """JSON, indented as Markdown wants its code."""
    return "\n".join(f"    {line}" for line in json.dumps(dict(record), indent=2).splitlines())


@stde.hookimpl
def stde_loggers():
    return {"tensorboard": TensorBoard}

"""Weights & Biases: `pip install "stde[wandb]"`."""

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import stde_core as stde
import stde_pdes


class WandB(stde_pdes.AbstractLogger):
    """Weights & Biases, offline in the run's directory: `wandb sync DIR/wandb/offline-run-*` sends it.

    Nothing leaves the machine unless the environment variable WANDB_MODE says otherwise
    (`WANDB_MODE=online`). WANDB_PROJECT and the other variables of that package hold too.
    """

    def __init__(self) -> None:
        try:
            self.wandb: Any = importlib.import_module("wandb")
        except ImportError as error:
            raise ImportError('Logger `wandb` needs stde[wandb]: `pip install "stde[wandb]"`.') from error
        self.run: Any = None

    def start(self, directory: Path, run: Mapping[str, Any]) -> None:
        self.run = self.wandb.init(
            mode=os.environ.get("WANDB_MODE", "offline"),
            project=os.environ.get("WANDB_PROJECT", "stde"),
            name=os.environ.get("WANDB_NAME", directory.resolve().name),
            dir=str(directory),
            config=dict(run),
            settings=self.wandb.Settings(console="off", silent=True),  # stdout and stderr stay the run's own
        )
        # Metrics lie over the run's own steps, which may go back.
        self.run.define_metric("step")
        self.run.define_metric("*", step_metric="step")

    def record(self, metrics: Mapping[str, Any]) -> None:
        self.run.log({name: value for name, value in metrics.items() if value is not None})

    def finish(self, result: Mapping[str, Any] | None) -> None:
        if result is not None:
            self.run.summary.update({f"result/{name}": value for name, value in result.items()})
        self.run.finish(exit_code=0 if result is not None else 1)


@stde.hookimpl
def stde_loggers():
    return {"wandb": WandB}

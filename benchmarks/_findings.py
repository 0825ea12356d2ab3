import dataclasses
import json
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Findings:
    """What a bench of whole runs found.

    - `name`: "accuracy" or "samples"; `title`, `settings`: what was run, enough to repeat it.
    - `environment`: command, date, versions, device, precision and cores.
    - `left_out`: what could not take part, with the cause.
    - `rows`: of `AccuracyRow` or `SamplesRow`.
    """

    name: str
    title: str
    settings: dict[str, Any]
    environment: dict[str, Any]
    left_out: tuple[str, ...]
    rows: tuple[Any, ...]

    def write_json(self, directory: Path) -> None:
        """Writes `NAME.json`."""
        text = json.dumps(dataclasses.asdict(self), indent=2)
        (directory / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")

"""Directories of runs as `stde solve` writes them, made up, and pages as a reader sees them."""

import base64
import json
import struct
import zlib
from html.parser import HTMLParser

SETUP = {
    "problem": "kdv",
    "dim": 1,
    "problem_fields": {"solution": "two-soliton"},
    "estimator": "exact",
    "estimator_fields": {"chunk_size": 256},
    "model_name": None,
    "model": {"width": 32, "depth": 3, "activation": "tanh"},
    "training": {
        "steps": 500,
        "batch": 200,
        "learning_rate": 0.001,
        "gauss_newton": {"steps": 300, "damping": 1e-07},
        "lbfgs": None,
        "unbiased": False,
    },
    "seed": 7,
    "notes": [],
    "environment": {
        "command": ["/home/me/bin/stde", "solve", "kdv", "-p", "solution=two soliton"],
        "versions": {"stde": "0.1.0", "jax": "0.10.2"},
        "python": "3.11.7",
        "platform": "Linux",
        "cpus": 2,
        "device": "cpu:cpu",
        "precision": "float32",
        "matmul_precision": "highest",
    },
}
METRICS = [
    {"step": 1, "loss": 3.9, "seconds": 0.04, "steps_per_second": 22.8},
    {"step": 459, "loss": 0.88, "seconds": 0.2, "steps_per_second": 2827.2},
    {"step": 800, "loss": 1.41e-5, "seconds": 6.2, "steps_per_second": 51.1},
]
METRICS[1] |= {"relative_l1": 2.06, "relative_l2": 1.26, "relative_error_origin": None}
METRICS[2] |= {"relative_l1": 1.66e-3, "relative_l2": 1.28e-3, "relative_error_origin": 0.25}
RESULT = {
    "problem": "kdv",
    "steps": 800,
    "parameters": 2241,
    "loss": 1.41e-5,
    "relative_l1": 1.66e-3,
    "relative_l2": 1.28e-3,
    "relative_error_origin": 0.25,
    "trivial_relative_l2": 0.923,
    "test_points": 20000,
    "steps_per_second": 51.1,
    "peak_memory_mb": 679.3,
    "seconds": 127.0,
    "notes": ["The network sees `|x|²`, beside x_i and e^{2t}."],
}


# A problem of one's own: several outputs, a parameter to be found, no reference.
OWN_SETUP = SETUP | {
    "problem": "channel",
    "file": "channel.py",
    "identity": "ab" * 32,
    "dim": 2,
    "inputs": ["x", "y", "t"],
    "outputs": ["u", "v", "p"],
    "model": {},
    "training": {"stages": [{"stage": "adam", "steps": 500, "batch": 20}, {"stage": "lbfgs", "steps": 300}]},
}
_LOSSES = {"momentum": 1e-5, "walls": 4.1e-6}
OWN_METRICS = [
    {name: value for name, value in line.items() if not name.startswith("relative")}
    | {"losses": _LOSSES, "weights": {"momentum": 1.0, "walls": 2.5}, "parameters": {"viscosity": 0.02}}
    for line in METRICS
]
_RESIDUAL = {"rms": 1.5e-3, "quantiles": {"50": 4e-4, "90": 2e-3, "99": 0.005}, "largest": 0.012}
OWN_RESULT = {name: value for name, value in RESULT.items() if "relative" not in name} | {
    "relative_l2": None,
    "residuals": {"momentum": _RESIDUAL | {"at": [0.1, -0.92, 1.0]}, "walls": _RESIDUAL | {"at": None}},
    "found": {"viscosity": 0.01034, "k": [1.0, 2.0]},
    "stopped": "The time was over after 800 of 1000 steps.",
}


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width=3, height=2, header=b"\x08\0\0\0\0"):
    pixels = zlib.compress(b"".join(b"\0" + bytes(width) for _ in range(min(height, 9))))
    parts = [(b"IHDR", struct.pack(">II", width, height) + header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def lines(metrics):
    return "".join(json.dumps(line) + "\n" for line in metrics)


def write_run(directory, setup=SETUP, metrics=METRICS, result=RESULT, picture=True):
    directory.mkdir(exist_ok=True)
    (directory / "run.json").write_text(json.dumps(setup))
    (directory / "metrics.jsonl").write_text(lines(metrics))
    if result is not None:
        (directory / "result.json").write_text(json.dumps(result))
    if picture:
        (directory / "solution.png").write_bytes(png())
    return directory


VOID = {"meta", "link", "img"}


class Page(HTMLParser):
    """What a page holds; fails where its tags do not match or something is loaded or run."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.words, self.images = [], [], [], []
        self.source = path.read_bytes().decode("utf-8")
        self.feed(self.source)
        self.close()
        assert self.open == [] and self.rawdata == ""
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        assert tag not in {"script", "iframe", "object", "embed", "form", "base", "audio"}
        names = [name for name, _ in attributes]
        assert len(set(names)) == len(names) and not any(name.startswith("on") for name in names)
        self.tags.append((tag, tuple(names)))
        for name, value in attributes:
            if name in ("src", "href", "srcset", "action", "data", "poster"):
                assert value.startswith("data:")
            if name == "src":
                self.images.append(base64.b64decode(value.partition("base64,")[2]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)

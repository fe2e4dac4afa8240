"""What a result came from, and what it cost."""

import importlib.metadata
import platform
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import winnow
from winnow.data.energy_counters import ENERGY, energy_used, read_counters
from winnow.data.files import digest_files
from winnow.data.hardware import gpu_name, hardware

ROOT = Path(winnow.__file__).parent
# What gives the digest of the code that runs: a command's own, outside of commands all of winnow's.
CODE: ContextVar[Callable[[], str]] = ContextVar(
    "code",
    default=lambda: digest_files(sorted([*ROOT.rglob("*.py"), *ROOT.rglob("*.yaml")])),
)
PACKAGES = ("numpy", "torch", "open_clip_torch", "pandas", "pyarrow", "snakemake")


def provenance(parameters: dict[str, Any], inputs: dict[str, Path]) -> dict[str, Any]:
    """Parameters, digests of inputs and code, versions and hardware of the running process."""
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {
        "parameters": without_paths(parameters),
        "inputs": {name: digest_files([path]) for name, path in inputs.items()},
        "code": CODE.get()(),
        "versions": {"winnow": winnow.__version__, "python": platform.python_version(), **versions},
        "hardware": hardware(),
    }


def without_paths(value: Any) -> Any:
    """Parameters as records have them: of a file of a user's its name, not the folder."""
    if isinstance(value, dict):
        return {name: without_paths(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(inner) for inner in value]
    is_place = isinstance(value, str | Path) and str(value).startswith(("/", "~/"))
    return Path(value).name if is_place else value


def weight_files(name: str, model: Path) -> dict[str, Path]:
    """The files of weights in a model's folder, by what `provenance` is to call them."""
    files = sorted(model.rglob("*.safetensors"))
    return {f"{name}/{file.relative_to(model).as_posix()}": file for file in files}


@contextmanager
def measure_cost() -> Iterator[dict[str, float]]:
    """What the block costs, which is there once it has ended: wall_s, cpu_s, gpu_s (wall time on a
    GPU), peak_mb and, where it can be read, energy_j of the whole machine."""
    cost: dict[str, float] = {}
    wall, cpu, energy = time.perf_counter(), time.process_time(), read_counters()
    yield cost
    joules = energy_used(energy, read_counters())
    cost["wall_s"] = round(time.perf_counter() - wall, 3)
    cost["cpu_s"] = round(time.process_time() - cpu, 3)
    cost["gpu_s"] = cost["wall_s"] if gpu_name() else 0.0
    cost["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    if joules is not None:
        cost[ENERGY] = round(joules, 1)


def total_cost(cost: Mapping[str, float], spent: Mapping[str, float]) -> dict[str, float]:
    """The cost of a step and of the one before it, which `spent` that (0 where it does not say).

    Costs add up, but of the peaks of memory the larger one counts, and the energy of the two is
    known where that of each is.
    """
    total = {name: round(value + spent.get(name, 0), 3) for name, value in cost.items()}
    if spent and ENERGY not in spent:
        total.pop(ENERGY, None)
    return total | {"peak_mb": max(cost["peak_mb"], spent.get("peak_mb", 0))}

"""What a process computes on: processor, and the libraries and kernels that its sums depend on.

Another processor, kernel or number of threads adds in another order, which moves later digits.
"""

import os
import platform
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
# Instructions of x86 and ARM that kernels are chosen by
_CHOSEN_BY = re.compile(r"sse4|avx|fma|f16c|amx|asimd|sve|bf16|i8mm")
# What chooses other kernels than the processor's own
SWITCHES = (
    "ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS", "MKL_DEBUG_CPU_TYPE", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE", "CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE",
)  # fmt: skip


def hardware() -> dict[str, Any]:
    """Of the running process, whatever else it has loaded.

    `cpu` (the model), `cores`, `gpu` (the model or None), `threads` (that a library may take),
    `instructions` (those of the processor that kernels are chosen by, torch's among them), `blas`
    (NumPy's: library, version, kernel), `switches` (variables of the environment that choose other
    kernels).
    """
    cpu, instructions = _processor()
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "gpu": gpu_name(),
        "threads": int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1),
        "instructions": instructions,
        "blas": _blas(),
        "switches": {name: os.environ[name] for name in SWITCHES if name in os.environ},
    }


def gpu_name() -> str | None:
    """The model of the GPU, None without one."""
    torch = sys.modules.get("torch")  # a job that did not load it used no GPU
    if torch is None or not torch.cuda.is_available():
        return None
    return str(torch.cuda.get_device_name())


@cache
def _processor() -> tuple[str, list[str]]:
    """Model and instructions."""
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    model = re.search(r"^model name\s*:\s*(.+?)\s*$", text, re.M)
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.M)
    known = sorted(filter(_CHOSEN_BY.search, flags[1].split())) if flags else []
    return model[1] if model else platform.processor() or platform.machine(), known


@cache
def _blas() -> str | None:
    import numpy as np
    from threadpoolctl import threadpool_info

    beside = Path(np.__file__).resolve().parent.parent / "numpy.libs"  # SciPy's is another
    for pool in threadpool_info():
        if pool["user_api"] == "blas" and Path(pool["filepath"]).is_relative_to(beside):
            named = (pool["internal_api"], pool["version"], pool.get("architecture"))
            return " ".join(filter(None, named))
    return None

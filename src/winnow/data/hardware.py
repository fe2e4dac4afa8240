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
# Of what `torch.__config__` tells
_BUILT_WITH = {
    "blas": r"BLAS_INFO=(\w+)",
    "mkl": r"Math Kernel Library Version (\S+)",
    "onednn": r"MKL-DNN v(\S+)",
}


def hardware() -> dict[str, Any]:
    """Of the running process; the libraries are those that it has loaded.

    `cpu` (the model), `cores`, `gpu` (the model or None), `threads` (that torch or OpenMP takes),
    `instructions` (those of the processor that kernels are chosen by), `blas` (library, version
    and kernel of each), `torch` (its own kernels, and the libraries it was built with; None where
    it is not loaded), `switches` (variables of the environment that choose other kernels).
    """
    cpu, instructions = _processor()
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "gpu": gpu_name(),
        **_libraries(),
        "instructions": instructions,
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


def _libraries() -> dict[str, Any]:
    from threadpoolctl import threadpool_info

    pools = threadpool_info()
    blas = {
        " ".join(filter(None, (pool["internal_api"], pool["version"], pool.get("architecture"))))
        for pool in pools
        if pool["user_api"] == "blas"
    }
    torch = sys.modules.get("torch")
    threads = max((pool["num_threads"] for pool in pools), default=None)
    return {
        "threads": torch.get_num_threads() if torch else threads,
        "blas": sorted(blas),
        "torch": torch and {"kernels": torch.backends.cpu.get_cpu_capability(), **_built_with()},
    }


@cache
def _built_with() -> dict[str, str]:
    told = sys.modules["torch"].__config__.show()
    found = {name: re.search(pattern, told) for name, pattern in _BUILT_WITH.items()}
    return {name: match[1] for name, match in found.items() if match}

"""Energy that the processors of this machine have used, where it can be read.

Linux counts that of the CPUs' packages (RAPL, under /sys/class/powercap, by default readable by
root alone), NVIDIA's library that of its GPUs. Both count for the whole machine: what else ran
there meanwhile is in the number.
"""

import ctypes
from pathlib import Path

ENERGY = "energy_j"  # what costs call it
RAPL = Path("/sys/class/powercap")
NVML = "libnvidia-ml.so.1"

Counters = dict[str, tuple[int, int]]  # name -> microjoules, and where they begin anew (0: never)


def read_counters() -> Counters:
    """Every counter that can be read now, by name."""
    return {**_packages(), **_gpus()}


def energy_used(before: Counters, after: Counters) -> float | None:
    """Joules between two readings; None where no counter was read, or one only once.

    A counter that began anew in between is taken to have done so once.
    """
    if not before or before.keys() != after.keys():
        return None
    total = 0
    for name, (first, limit) in before.items():
        last = after[name][0]
        total += last - first + (limit if last < first else 0)
    return total / 1e6


def _packages() -> Counters:
    found = {}
    for zone in sorted(RAPL.glob("intel-rapl:*")):  # AMD's are called so, too
        if zone.name.count(":") > 1:  # a part of a package, already counted
            continue
        try:
            names = ("energy_uj", "max_energy_range_uj")
            joules, limit = (int((zone / name).read_text()) for name in names)
        except (OSError, ValueError):  # not readable by this user
            continue
        found[zone.name] = (joules, limit)
    return found


def _gpus() -> Counters:
    try:
        library = ctypes.CDLL(NVML)
    except OSError:  # no driver
        return {}
    if library.nvmlInit_v2() != 0:
        return {}
    count, found = ctypes.c_uint(), {}
    if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
        count.value = 0
    for index in range(count.value):
        device, millijoules = ctypes.c_void_p(), ctypes.c_ulonglong()
        if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)) != 0:
            continue
        if library.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(millijoules)) == 0:
            found[f"gpu:{index}"] = (1000 * millijoules.value, 0)
    library.nvmlShutdown()
    return found

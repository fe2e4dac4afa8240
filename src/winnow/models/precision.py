"""float32 or bfloat16: by the hardware, never by a stopwatch, which would decide anew each time."""

import torch


def chosen(precision: str, device: torch.device) -> str:
    """`precision`, of which `auto` is bfloat16 where `device` computes in it natively."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = torch.cpu.get_capabilities()
        native = any(able.get(unit, False) for unit in ("amx_bf16", "avx512_bf16"))
    return "bfloat16" if native else "float32"


def is_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether `precision` means bfloat16 on `device`."""
    return chosen(precision, device) == "bfloat16"

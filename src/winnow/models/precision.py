"""float32 or bfloat16, chosen by the hardware: a timing could decide differently each time."""

import torch


def chosen(precision: str, device: torch.device) -> str:
    """The precision that `precision` means: `auto` is bfloat16 where `device` supports it."""
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

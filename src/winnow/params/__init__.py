"""Typed parameters: every knob of `params.yaml`, its limits and its overrides by scale."""

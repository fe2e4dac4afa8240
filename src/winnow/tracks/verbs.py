"""The tracks' commands, which register themselves when their modules are imported."""

from importlib import import_module

from winnow.tracks.registry import command_modules

for module in command_modules():
    import_module(module)

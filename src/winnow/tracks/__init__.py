"""The tracks of the benchmark: a package for each, and the registry that finds them.

A track's package holds, as far as it has them:

- `track.py`: `TRACK`, what the registry reads (not in `__init__.py`, so that what a command of the
  track runs does not depend on labels and plans)
- `settings.py`: its section of the parameters
- `plan.py`: its cells, and what their records must say
- `metrics.py`: its metrics
- `train.py`, `evaluate.py`, `page.py`: the commands of its rules, `workflow/rules/<name>.smk`
- `report.py`, `figure.py`: the prose, tables and figures of its page. `page.py` writes them as
  Markdown, CSV and pictures, and for the site

To add one: a package, a rules file, its `include` in the Snakefile, its section in `params.yaml`.
"""

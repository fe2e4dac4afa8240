"""An emitter for each format: Markdown, CSV, LaTeX, and plain data, which the site shows."""

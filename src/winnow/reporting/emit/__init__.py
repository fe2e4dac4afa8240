"""One emitter a format: Markdown, CSV, LaTeX and HTML."""

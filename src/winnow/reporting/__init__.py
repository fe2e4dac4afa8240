"""Values, tables, pages, figures, claims and the site, made from the files of the cells alone."""

"""Models: fetched by name, loaded from folders and saved in their published layouts."""

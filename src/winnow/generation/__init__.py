"""Text-to-image models at work: prompts, sampling, folders of images."""

"""Models: loading by name or folder, saving in open_clip's folder layout, tokenizers."""

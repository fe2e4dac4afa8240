"""What a caption asserts of an image: lexicon, parser, realisation, check against a layout."""

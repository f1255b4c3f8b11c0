"""A pickle stream is data: instructions over inert values. Nothing here imports, constructs or calls what a file names."""

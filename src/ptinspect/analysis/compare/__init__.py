"""Two checkpoints side by side: which tensors belong together, what is the same, what changed and by how much."""
